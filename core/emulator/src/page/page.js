// The page: asks the emulator once a second what is new, and shows it. Nothing else is loaded.
'use strict'
const at = (id) => document.getElementById(id)
const KEY = { 'content-type': 'application/json', 'x-goog-api-key': 'page' }

const make = (name, attributes = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), attributes)
  element.append(...inside)
  return element
}

async function ask(method, path, body, headers = { 'content-type': 'application/json' }) {
  const reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const json = await reply.json().catch(() => ({}))
  if (!reply.ok) throw new Error(json.error?.message ?? `status ${reply.status}`)
  return json
}

const seconds = (time) => (time < 1 ? `${Math.round(time * 1000)} ms` : `${time.toFixed(1)} s`)
const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)

// The calls.

const rows = new Map()

function outcome(call) {
  if (call.cancelled) return ['went away', 'failed']
  if (call.status == null) return ['running', '']
  const good = call.status < 300 && call.reason == null
  return [[call.status, call.reason].filter((word) => word != null).join(' '), good ? 'passed' : 'failed']
}

function thumbs(call) {
  return (call.pictures ?? []).map((picture) => {
    const side = picture.side === 'in' ? 'sent' : 'drawn'
    const about = `${side}, ${picture.width} × ${picture.height}, ${picture.mimeType}`
    return make('img', { src: picture.small, alt: about, title: about, className: picture.side, loading: 'lazy' })
  })
}

async function open(row, number) {
  if (!row.open) return
  const place = row.querySelector('.whole')
  try {
    const call = await ask('GET', `/__emulator/calls/${number}`)
    const text = (json) => make('pre', { tabIndex: 0 }, JSON.stringify(json, null, 2))
    const reply = call.reply == null
      ? make('p', {}, 'The reply was not kept: this page was not open.')
      : text(call.reply.length === 1 ? call.reply[0] : call.reply)
    place.replaceChildren(
      make('h3', {}, 'Request'), text(call.json),
      make('h3', {}, 'Headers'), text(call.headers),
      make('h3', {}, 'Reply'), reply,
    )
  } catch (error) {
    place.replaceChildren(make('p', { className: 'failed' }, error.message))
  }
}

function show(call) {
  const said = JSON.stringify([call.status, call.took, call.cancelled, call.pictures])
  const known = rows.get(call.number)
  if (known?.said === said) return known.element
  const [told, colour] = outcome(call)
  const summary = make('summary', {},
    make('span', { className: `status ${colour}` }, told),
    make('span', { className: 'words' }, call.words || '–'),
    make('span', { className: 'path' }, `${call.method} ${call.path}`),
    make('span', { className: 'time' }, `${call.took == null ? '…' : seconds(call.took)} · ${size(call.size)} sent`))
  if (known) {
    known.said = said
    known.details.querySelector('summary').replaceWith(summary)
    known.details.querySelector('.thumbs').replaceChildren(...thumbs(call))
    open(known.details, call.number)
    return known.element
  }
  const details = make('details', {}, summary, make('div', { className: 'thumbs' }, ...thumbs(call)), make('div', { className: 'whole' }))
  details.addEventListener('toggle', () => open(details, call.number))
  const element = make('li', {}, details)
  rows.set(call.number, { said, details, element })
  return element
}

async function look() {
  try {
    const { calls, active } = await ask('GET', '/__emulator/calls')
    const list = at('calls')
    calls.forEach((call, place) => {
      const element = show(call)
      if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null)
    })
    while (list.children.length > calls.length) list.lastChild.remove()
    const numbers = new Set(calls.map((call) => call.number))
    for (const number of rows.keys()) if (!numbers.has(number)) rows.delete(number)
    at('none').hidden = calls.length > 0
    const state = `${calls.length} ${calls.length === 1 ? 'call' : 'calls'}, ${active} under way`
    if (at('state').textContent !== state) at('state').textContent = state
    await waiting()
  } catch {
    at('state').textContent = 'The emulator does not answer.'
  }
  setTimeout(look, document.hidden ? 5000 : 1000)
}

// The faults.

const error = (status, message, details) => ({ error: { code: status, message, ...(details && { details }) } })
const FAULTS = {
  busy: error(429, 'The service is busy. Please retry in 2s.', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2s' }]),
  day: error(429, 'You exceeded your current quota.', [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel', quotaValue: '100' }] }]),
  over: error(503, 'The model is overloaded. Please try again later.'),
  inside: error(500, 'An internal error has occurred.'),
  blocked: { block_reason: 'PROHIBITED_CONTENT' },
  filtered: { finish_reason: 'IMAGE_SAFETY', finish_message: 'The picture was filtered.' },
  words: { text: 'I would rather describe it.', finish_reason: 'STOP' },
  slow: { delay: 10 },
  cut: { cut: 1000 },
  stall: { stall: 1000 },
  html: { status: 502, body: '<html><title>502 Bad Gateway</title></html>' },
}

let told = ''
async function waiting() {
  const { steps } = await ask('GET', '/__emulator/script')
  const now = JSON.stringify(steps)
  if (now === told) return
  told = now
  at('steps').replaceChildren(...(steps.length ? steps.map((step) => make('li', {}, make('code', {}, JSON.stringify(step)))) : [make('li', {}, 'none')]))
}

/** Runs it for a form: a mistake stands where it was made. */
function sends(form, work) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    button.disabled = true
    form.querySelector('.failed')?.remove()
    try {
      await work(new FormData(form))
    } catch (problem) {
      form.append(make('p', { className: 'failed', role: 'alert' }, problem.message))
    }
    button.disabled = false
  })
}

at('fault').share.addEventListener('change', ({ target }) => { at('times').hidden = target.value !== '' })
sends(at('fault'), async (form) => {
  const step = { ...FAULTS[form.get('kind')] }
  const share = form.get('share')
  if (share === '1') step.times = 'always'
  else if (share) step.share = Number(share)
  else step.times = Number(form.get('times'))
  if (form.get('prompt')) step.match = { prompt: form.get('prompt') }
  await ask('POST', '/__emulator/script', step)
  await waiting()
})
at('clear').addEventListener('click', () => ask('DELETE', '/__emulator/script').then(waiting))
at('reset').addEventListener('click', () => ask('POST', '/__emulator/reset'))

const LIMITS = ['rpm', 'ipm', 'rpd']
sends(at('limits'), (form) =>
  ask('PUT', '/__emulator/limits', Object.fromEntries(LIMITS.map((name) => [name, form.get(name) === '' ? null : Number(form.get(name))]))))

// A prompt.

sends(at('try'), async (form) => {
  const imageConfig = { aspectRatio: form.get('ratio') || undefined, imageSize: form.get('size') || undefined }
  const request = {
    contents: [{ role: 'user', parts: [{ text: form.get('prompt') }] }],
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig },
  }
  const [figure, refused] = [at('drawn'), at('refused')]
  figure.hidden = refused.hidden = true
  const begun = performance.now()
  try {
    const answer = await ask('POST', `/v1beta/models/${form.get('model')}:generateContent`, request, KEY)
    const candidate = answer.candidates?.[0]
    const picture = candidate?.content?.parts?.find((part) => part.inlineData && !part.thought)?.inlineData
    if (!picture) {
      const words = candidate?.content?.parts?.map((part) => part.text ?? '').join(' ').trim()
      throw new Error(`No picture came: ${answer.promptFeedback?.blockReason ?? candidate?.finishReason ?? 'no reason was given'}. ${words ?? ''}`)
    }
    const image = figure.querySelector('img')
    image.src = `data:${picture.mimeType};base64,${picture.data}`
    image.alt = form.get('prompt')
    await image.decode()
    figure.querySelector('figcaption').textContent =
      `${image.naturalWidth} × ${image.naturalHeight}, ${picture.mimeType}, ${seconds((performance.now() - begun) / 1000)}`
    figure.hidden = false
  } catch (problem) {
    refused.textContent = problem.message
    refused.hidden = false
  }
})

async function begin() {
  at('base').textContent = location.origin
  look()
  const { models } = await ask('GET', '/__emulator/models')
  const id = (model) => model.name.replace('models/', '')
  const { model: chosen, ratio, size } = at('try').elements
  chosen.append(...models.map((model) => make('option', { value: id(model) }, model.displayName || id(model))))
  const own = () => make('option', { value: '' }, 'model’s own')
  const offer = () => {
    const model = models.find((model) => id(model) === chosen.value)
    for (const [select, words] of [[ratio, model?.aspectRatios ?? []], [size, model?.imageSizes ?? []]]) {
      const before = select.value
      select.replaceChildren(own(), ...words.map((word) => make('option', {}, word)))
      select.value = words.includes(before) ? before : ''
      select.disabled = words.length === 0
    }
  }
  chosen.addEventListener('change', offer)
  offer()
  const limits = await ask('GET', '/__emulator/limits')
  for (const name of LIMITS) at('limits')[name].value = limits[name] ?? ''
}
begin()
