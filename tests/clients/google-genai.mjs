// The scenarios with @google/genai.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { ApiError, BlockedReason, FinishReason, GoogleGenAI } from '@google/genai'
import { NEW, PRO, brokenStream, busy, cutOff, isPicture, key, main, media, mediaPath, overloaded, requests, script, sentThreeTurns, sleep, url } from './kit.mjs'

const client = (apiKey = key) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } })
const parts = (response) => response.candidates?.[0]?.content?.parts ?? []
const pictures = (response) => parts(response).filter((part) => part.inlineData && !part.thought).map((part) => part.inlineData.data)
const draw = (model, contents, config) => client().models.generateContent({ model, contents, config })

function picture(response) {
  const all = pictures(response)
  assert.equal(all.length, 1)
  return all[0]
}

async function chatted(send) {
  for (const words of ['A mascot for a bakery', 'Now waving', 'Now in the rain']) await isPicture(await send(words), 1024, 1024)
  await sentThreeTurns()
}

async function refused(call, status, words) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ApiError, String(error))
    assert.equal(error.status, status)
    assert.ok(error.message.includes(words), error.message)
    return true
  })
}

async function ended(api, job) {
  for (let tries = 0; tries < 100 && !/SUCCEEDED|FAILED|CANCELLED|EXPIRED/.test(job.state); tries++) {
    await sleep(100)
    job = await api.batches.get({ name: job.name })
  }
  assert.equal(job.state, 'JOB_STATE_SUCCEEDED')
  return job
}

const asked = (words) => ({ contents: [{ role: 'user', parts: [{ text: words }] }] })

await main({
  async generate() {
    const response = await draw(NEW, 'A heron in the reeds')
    await isPicture(picture(response), 1024, 1024)
    assert.equal(response.candidates[0].finishReason, FinishReason.STOP)
    assert.equal(response.usageMetadata.candidatesTokensDetails[0].modality, 'IMAGE')
    assert.ok(response.usageMetadata.totalTokenCount > 1120 && response.responseId)
    assert.equal(response.modelVersion, NEW)
  },
  async 'ratio-and-size'() {
    await isPicture(picture(await draw(PRO, 'A heron', { imageConfig: { aspectRatio: '16:9', imageSize: '2K' } })), 2752, 1536)
  },
  async edit() {
    const source = { inlineData: { mimeType: 'image/jpeg', data: media('wide.jpg').toString('base64') } }
    await isPicture(picture(await draw(NEW, ['Make it night', source])), 1264, 848)
  },
  async stream() {
    const config = { thinkingConfig: { includeThoughts: true } }
    const events = []
    for await (const event of await client().models.generateContentStream({ model: PRO, contents: 'A heron', config })) events.push(event)
    const final = events.flatMap(pictures)
    assert.ok(final.length === 1 && events.length > 5)
    await isPicture(final[0], 1024, 1024)
    const all = events.flatMap(parts)
    assert.ok(all.some((part) => part.thought && part.text) && all.some((part) => part.thought && part.inlineData))
    assert.equal(events.at(-1).candidates[0].finishReason, FinishReason.STOP)
  },
  async search() {
    const response = await draw(NEW, 'A heron', { tools: [{ googleSearch: {} }] })
    await isPicture(picture(response), 1024, 1024)
    const { webSearchQueries, groundingChunks } = response.candidates[0].groundingMetadata
    assert.ok(webSearchQueries.length && groundingChunks[0].web.uri)
  },
  async chat() {
    const chat = client().chats.create({ model: PRO })
    await chatted(async (message) => picture(await chat.sendMessage({ message })))
  },
  async 'chat-stream'() {
    const chat = client().chats.create({ model: PRO, config: { thinkingConfig: { includeThoughts: true } } })
    await chatted(async (message) => {
      const all = []
      for await (const event of await chat.sendMessageStream({ message })) all.push(...pictures(event))
      assert.equal(all.length, 1)
      return all[0]
    })
  },
  async upload() {
    const api = client()
    const file = await api.files.upload({ file: mediaPath('wide.jpg'), config: { displayName: 'wide' } })
    assert.deepEqual([file.state, file.mimeType, file.sizeBytes], ['ACTIVE', 'image/jpeg', '654'])
    const source = { fileData: { fileUri: file.uri, mimeType: file.mimeType } }
    await isPicture(picture(await draw(NEW, ['Make it night', source])), 1264, 848)
    assert.equal((await api.files.get({ name: file.name })).displayName, 'wide')
    const names = []
    for await (const known of await api.files.list({ config: { pageSize: 1 } })) names.push(known.name)
    assert.ok(names.includes(file.name))
    await api.files.delete({ name: file.name })
    await refused(() => api.files.get({ name: file.name }), 403, 'permission')
  },
  async models() {
    const api = client()
    const names = []
    for await (const model of await api.models.list({ config: { pageSize: 2 } })) names.push(model.name)
    assert.ok(names.includes(`models/${NEW}`) && names.length === 5 && new Set(names).size === 5)
    assert.equal((await requests()).length, 3)
    const model = await api.models.get({ model: PRO })
    assert.ok(model.supportedActions.includes('generateContent'))
    assert.equal(model.outputTokenLimit, 32768)
  },
  async 'count-tokens'() {
    const source = { inlineData: { mimeType: 'image/png', data: media('dot.png').toString('base64') } }
    const { totalTokens } = await client().models.countTokens({ model: PRO, contents: ['Make it night', source] })
    assert.equal(totalTokens, 564)
  },
  async 'bad-key'() {
    await refused(() => client('bad').models.generateContent({ model: NEW, contents: 'A heron' }), 400, 'API_KEY_INVALID')
  },
  async 'unknown-model'() {
    await refused(() => draw('gemini-9-image', 'A heron'), 404, 'NOT_FOUND')
  },
  async 'bad-ratio'() {
    await refused(() => draw(PRO, 'A heron', { imageConfig: { aspectRatio: '1:8' } }), 400, 'aspect ratio')
  },
  async 'blocked-prompt'() {
    await script({ block_reason: 'PROHIBITED_CONTENT' })
    const response = await draw(NEW, 'A heron')
    assert.equal(response.candidates, undefined)
    assert.equal(response.promptFeedback.blockReason, BlockedReason.PROHIBITED_CONTENT)
  },
  async 'blocked-picture'() {
    await script({ finish_reason: 'IMAGE_SAFETY', finish_message: 'It was filtered.' })
    const response = await draw(NEW, 'A heron')
    assert.equal(response.candidates[0].finishReason, FinishReason.IMAGE_SAFETY)
    assert.deepEqual(pictures(response), [])
  },
  async 'rate-limit'() {
    await script(busy)
    await refused(() => draw(NEW, 'A heron'), 429, '"retryDelay":"7s"')
  },
  async overloaded() {
    await script(overloaded)
    await refused(() => draw(NEW, 'A heron'), 503, 'UNAVAILABLE')
  },
  async 'error-in-a-stream'() {
    await script(brokenStream)
    const words = []
    await refused(async () => {
      for await (const event of await client().models.generateContentStream({ model: NEW, contents: 'A heron' })) words.push(event.text)
    }, 503, 'overloaded')
    assert.deepEqual(words, ['Here'])
  },
  async continuation() {
    await script(cutOff)
    const whole = await draw(NEW, 'A heron')
    await script(cutOff)
    const events = []
    for await (const event of await client().models.generateContentStream({ model: NEW, contents: 'A heron' })) events.push(event)
    for (const responses of [[whole], events]) {
      const words = responses.flatMap(parts).map((part) => part.text ?? '').join('')
      assert.ok(words.startsWith('Here it ') && words.length > 20, words)
      const final = responses.flatMap(pictures)
      assert.equal(final.length, 1)
      await isPicture(final[0], 1024, 1024)
      assert.equal(responses.at(-1).candidates[0].finishReason, FinishReason.STOP)
    }
  },
  async 'batch-inline'() {
    const api = client()
    const job = await ended(api, await api.batches.create({ model: NEW, src: [asked('A heron'), asked('A boat')], config: { displayName: 'two' } }))
    assert.equal(job.displayName, 'two')
    const answers = job.dest.inlinedResponses
    assert.equal(answers.length, 2)
    for (const answer of answers) await isPicture(picture(answer.response), 1024, 1024)
    await api.batches.delete({ name: job.name })
  },
  async 'batch-file'() {
    const api = client()
    const [lines, results] = [process.env.SCRATCH + '/batch.jsonl', process.env.SCRATCH + '/results.jsonl']
    writeFileSync(lines, `${JSON.stringify({ key: 'one', request: asked('A heron') })}\n`)
    const file = await api.files.upload({ file: lines, config: { mimeType: 'jsonl' } })
    const job = await ended(api, await api.batches.create({ model: NEW, src: file.name }))
    await api.files.download({ file: job.dest.fileName, downloadPath: results })
    const { key: name, response } = JSON.parse(readFileSync(results, 'utf8'))
    assert.equal(name, 'one')
    await isPicture(picture(response), 1024, 1024)
  },
})
