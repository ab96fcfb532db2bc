// Answers as Node shows them: errors of each class, records, streams, and `inspect` of the public objects.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import * as nb from 'nanobanana-sdk'

const tests = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const media = (name) => join(tests, 'media', name)
export const TODAY = '2026-11-24'
const KEY = 'test-key-0123'

const WORDED = new Set(['message', 'warnings', 'reason', 'why', 'hint', 'finishMessage', 'note', 'notes', 'error'])
/** Numbers of a process's calls, and ids that an emulator makes up. */
const MADE_UP = new Set(['call', 'responseId', 'took', 'at', 'rateLimits', 'thoughtSignature'])

/** A text without ports, times, random names, keys and places of this machine. */
function steady(text) {
  return text
    .replaceAll(tests, '<tests>')
    .replace(/(127\.0\.0\.1|localhost):\d{4,5}/g, '$1:#')
    .replace(/nanobanana\/\d+\.\d+\.\d+[-.\w]*/g, 'nanobanana/#')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/\bnb-[0-9a-f]{32}\b/g, 'nb-#')
    .replaceAll(KEY, '<key>')
}

/** The value with `<words>` in place of each message, which goes to `words`. */
function outOf(value, words, at, name = '') {
  if (Array.isArray(value)) return value.map((item, i) => outOf(item, words, `${at}/${i}`, name))
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, outOf(item, words, `${at}/${key}`, key)]))
  }
  if (MADE_UP.has(name) && (typeof value === 'string' || typeof value === 'number')) return '<made up>'
  if (typeof value !== 'string') return value
  if (WORDED.has(name) && value.includes(' ')) {
    words[at] = steady(value)
    return '<words>'
  }
  const text = steady(value)
  return text.length > 120 ? `a text of ${text.length}` : text
}

/** Messages in a value, the longest first. */
function texts(value, name = '') {
  if (Array.isArray(value)) return value.flatMap((item) => texts(item, name))
  if (value && typeof value === 'object') return Object.entries(value).flatMap(([key, item]) => texts(item, key))
  return typeof value === 'string' && WORDED.has(name) && value.includes(' ') ? [value] : []
}

/** The output of `console.log` on one line, without words, places in files and made-up values. */
function shown(value, plain) {
  let text = inspect(value, { depth: 3, breakLength: Infinity, maxStringLength: 200 })
  for (const words of texts(plain).sort((a, b) => b.length - a.length)) text = text.replaceAll(words, '<words>')
  text = text.replace(/\n +at [^\n]*/g, '').replace(/\b(call|responseId|thoughtSignature): ('[^']*'|[\d.]+)/g, '$1: <made up>')
  return steady(text).replace(/\s+/g, ' ')
}

function chain(value) {
  const names = []
  for (let one = Object.getPrototypeOf(value); one && one !== Object.prototype; one = Object.getPrototypeOf(one)) names.push(one.constructor.name)
  return names
}

function about(value, words, at) {
  const json = JSON.stringify(value)
  const plain = json === undefined ? undefined : JSON.parse(json)
  const report = { class: chain(value), json: outOf(plain, words, at), keys: Object.keys(value), own: Object.getOwnPropertyNames(value) }
  if (value instanceof nb.NanoBananaError) {
    report.own = report.own.filter((name) => name !== 'stack')
    report.name = value.name
    report.cause = value.cause ? chain(value.cause)[0] : null
    const again = nb.NanoBananaError.fromJSON(structuredClone(value.toJSON()))
    report.returns = again.constructor === value.constructor && JSON.stringify(again) === json
    report.stack = value.stack.startsWith(`${value.name}: `)
  }
  if (String(report.own) === String(report.keys)) delete report.own
  report.inspect = shown(value, plain)
  return report
}

const DETAILS = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }]
const STEPS = {
  ...Object.fromEntries([400, 401, 403, 404, 408, 413, 418, 429, 500, 503, 504].map((status) => [`status ${status}`, { status }])),
  details: { status: 429, error: { status: 'RESOURCE_EXHAUSTED', message: 'slow down', details: DETAILS }, headers: { 'retry-after': '9', 'x-request-id': 'r-1' } },
  block: { block_reason: 'SAFETY', ratings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }] },
  finish: { finish_reason: 'IMAGE_SAFETY', finish_message: 'not this' },
  words: { text: 'no picture today' },
  unknown: { finish_reason: 'NEW_REASON' },
  damaged: { body: 'not JSON' },
  'lost line': { cut: 'headers' },
  'broken stream': { text: 'words', image: 'png 8x8', cut: 900 },
}

const REFUSED = {
  'no such option': (c) => c.generate('a', { aspect: '1:1' }),
  'snake case': (c) => c.generate('a', { aspect_ratio: '1:1' }),
  'wrong type': (c) => c.generate('a', { n: 'two' }),
  'wrong value': (c) => c.generate('a', { thinking: 'loud' }),
  'wrong ratio': (c) => c.generate('a', { aspectRatio: '5:7' }),
  'out of range': (c) => c.generate('a', { temperature: 3 }),
  'no plain data': (c) => c.generate('a', { extra: { a: 1n } }),
  'wrong client': () => new nb.Client({ apiKey: KEY, baseUrl: 'ftp://x' }),
  'no such client option': () => new nb.Client({ apiKey: KEY, baseURL: 'x' }),
  'no key': () => new nb.Client(),
  'unsupported size': (c) => c.generate('a', { model: 'nano-banana', imageSize: '4K' }),
  'unsupported option': (c) => c.generate('a', { model: 'nano-banana', thinking: 'high' }),
  'no such file': (c) => c.edit('a', 'missing.png'),
  'not a picture': (c) => c.edit('a', Buffer.from('no picture')),
  'cut-off picture': (c) => c.edit('a', media('cut-off.png')),
  'no picture': (c) => c.edit('a', []),
  'wrong mask': (c) => c.edit('a', media('dot.png'), { mask: media('wide-mask.png') }),
  'no such chat': (c) => c.loadChat('missing.chat.json'),
}

async function all(stream) {
  const events = []
  for await (const event of stream) events.push(event)
  return events
}

/** Everything that a call answers with. */
async function objects(client, emulator) {
  const full = { thoughts: ['hm', { $image: 'png 4x4' }], text: 'here', images: ['png 8x8', 'png 6x4'], text_after: 'bye', grounding: true }
  emulator.script([full, full])
  const result = await client.generate('a boat', { thoughts: true, search: true })
  const events = await all(client.generateStream('a boat', { thoughts: true }))
  emulator.script([{ image: 'png 8x8', times: 99 }])
  const chat = client.chat({ system: 'flat' })
  await chat.send('a boat')
  await chat.send(['now', new nb.Reference(media('dot.png'), { name: 'Mia' })])
  const masked = await client.edit('paint', media('square.png'), { mask: new nb.Box(0, 0, 2, 2) })
  const two = await client.generate('two', { n: 2 })
  const warned = await client.generate('a', { seed: 4, onUnsupported: 'warn', model: 'gemini-3-pro-image-preview' })
  emulator.script([{ image: 'png 8x8' }, { status: 400 }, { image: 'png 8x8' }])
  const outcomes = await all(client.generateMany(['a', 'b', { prompt: 'c', id: 'three' }], { concurrency: 1, ordered: true }))
  const listed = (name, list) => Object.fromEntries(list.map((one, i) => [`${name} ${i}`, one]))
  return {
    result, masked, 'result of n': two, 'result with warnings': warned, picture: result.image, usage: result.usage, attempt: result.attempts[0],
    ...listed('event', events), ...listed('outcome', outcomes), ...listed('turn', chat.history),
    estimate: await client.estimate('a', { imageSize: '4K', n: 2, model: 'nano-banana-pro' }),
    explained: await client.explain('a', { images: [media('dot.png'), media('wide.jpg')], encode: { maxSide: 8 } }),
    count: await client.countTokens('a'), file: await client.files.upload(media('brief.pdf'), { displayName: 'Brief' }), spent: client.spent,
    ...listed('model', await client.models()),
    box: new nb.Box(0, 1, 2, 3), reference: new nb.Reference('a.png', { name: 'Mia', role: 'style' }), attachment: new nb.Attachment('a.pdf', { mimeType: 'application/pdf' }),
  }
}

/** All of it: the structure, and the words apart. */
export async function record() {
  process.env.NANOBANANA_TODAY = TODAY
  const report = {}
  const words = {}
  const caught = async (name, make) => {
    try {
      await make()
      report[name] = 'it succeeded'
    } catch (error) {
      if (!(error instanceof nb.NanoBananaError)) throw error
      report[name] = about(error, words, name)
    }
  }
  for (const [name, one] of Object.entries(nb).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const names = typeof one === 'function' && one.prototype ? Object.getOwnPropertyNames(one.prototype).sort() : []
    report[`export ${name}`] = { is: typeof one, names }
    if (typeof one === 'function' && (one === nb.NanoBananaError || one.prototype instanceof nb.NanoBananaError)) {
      report[`made ${name}`] = about(new one('a message'), words, `made ${name}`)
    }
  }
  const emulator = await nb.Emulator.start()
  try {
    // A client that was asked to wait keeps its next call waiting: each step has its own.
    const open = () => new nb.Client({ apiKey: KEY, baseUrl: emulator.url, retry: false })
    const client = open()
    for (const [name, call] of Object.entries(REFUSED)) await caught(name, () => call(client))
    for (const [name, step] of Object.entries(STEPS)) {
      emulator.script([step])
      await caught(`scripted ${name}`, () => open().generate('a'))
      emulator.script([step])
      await caught(`scripted ${name}, a stream`, () => all(open().generateStream('a')))
    }
    emulator.script([])
    for (const [name, one] of Object.entries(await objects(client, emulator))) report[name] = about(one, words, name)
    const shows = { client, chat: client.chat(), files: client.files, emulator }
    for (const [name, one] of Object.entries(shows)) report[`inspect of ${name}`] = { inspect: shown(one), keys: Object.keys(one), json: steady(JSON.stringify(one) ?? '') }
  } finally {
    await emulator.close()
  }
  return JSON.parse(JSON.stringify({ report, words }))
}

export const FILES = { report: 'answered/node.json', words: 'answered/node-words.json' }
export const recorded = (part) => JSON.parse(readFileSync(new URL(FILES[part], import.meta.url), 'utf8'))
