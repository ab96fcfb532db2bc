// The scenarios with @google/generative-ai, Google's former library, and its file manager.
import assert from 'node:assert/strict'
import { GoogleGenerativeAI } from '@google/generative-ai'
import { FileState, GoogleAIFileManager } from '@google/generative-ai/server'
import { NEW, PRO, busy, isPicture, key, main, media, mediaPath, overloaded, requests, script, sentThreeTurns, url } from './kit.mjs'

const model = (name, generationConfig, apiKey = key) =>
  new GoogleGenerativeAI(apiKey).getGenerativeModel({ model: name, generationConfig }, { baseUrl: url })
const draw = async (name, contents, config) => (await model(name, config).generateContent(contents)).response
const parts = (response) => response.candidates?.[0]?.content?.parts ?? []
const pictures = (response) => parts(response).filter((part) => part.inlineData && !part.thought).map((part) => part.inlineData.data)

function picture(response) {
  const all = pictures(response)
  assert.equal(all.length, 1)
  return all[0]
}

async function refused(call, status, words) {
  await assert.rejects(call, (error) => {
    // The file manager has a class of its own with this name.
    assert.equal(error.constructor.name, 'GoogleGenerativeAIFetchError', String(error))
    assert.equal(error.status, status)
    assert.ok(error.message.includes(words), error.message)
    return true
  })
}

await main({
  async generate() {
    const response = await draw(NEW, 'A heron in the reeds', { responseModalities: ['Text', 'Image'] })
    await isPicture(picture(response), 1024, 1024)
    assert.equal(response.candidates[0].finishReason, 'STOP')
    assert.ok(response.usageMetadata.totalTokenCount > 1120 && response.text())
  },
  async 'ratio-and-size'() {
    await isPicture(picture(await draw(PRO, 'A heron', { imageConfig: { aspectRatio: '16:9', imageSize: '2K' } })), 2752, 1536)
  },
  async edit() {
    const source = { inlineData: { mimeType: 'image/jpeg', data: media('wide.jpg').toString('base64') } }
    await isPicture(picture(await draw(NEW, ['Make it night', source])), 1264, 848)
  },
  async stream() {
    const { stream } = await model(PRO, { thinkingConfig: { includeThoughts: true } }).generateContentStream('A heron')
    const events = []
    for await (const event of stream) events.push(event)
    const final = events.flatMap(pictures)
    assert.ok(final.length === 1 && events.length > 5)
    await isPicture(final[0], 1024, 1024)
  },
  async search() {
    const api = new GoogleGenerativeAI(key).getGenerativeModel({ model: NEW, tools: [{ googleSearch: {} }] }, { baseUrl: url })
    const { response } = await api.generateContent('A heron')
    await isPicture(picture(response), 1024, 1024)
    assert.ok(response.candidates[0].groundingMetadata.webSearchQueries.length)
  },
  async chat() {
    const chat = model(PRO).startChat()
    for (const words of ['A mascot for a bakery', 'Now waving', 'Now in the rain']) {
      await isPicture(picture((await chat.sendMessage(words)).response), 1024, 1024)
    }
    await sentThreeTurns()
  },
  async upload() {
    const manager = new GoogleAIFileManager(key, { baseUrl: url })
    const { file } = await manager.uploadFile(mediaPath('wide.jpg'), { mimeType: 'image/jpeg', displayName: 'wide' })
    assert.deepEqual([file.state, file.mimeType, file.sizeBytes], [FileState.ACTIVE, 'image/jpeg', '654'])
    assert.equal((await requests()).at(-1).headers['x-goog-upload-protocol'], 'multipart')
    const source = { fileData: { fileUri: file.uri, mimeType: file.mimeType } }
    await isPicture(picture(await draw(NEW, ['Make it night', source])), 1264, 848)
    assert.equal((await manager.getFile(file.name)).displayName, 'wide')
    const { files } = await manager.listFiles({ pageSize: 1 })
    assert.equal(files[0].name, file.name)
    await manager.deleteFile(file.name)
    await refused(() => manager.getFile(file.name), 403, 'permission')
  },
  async 'count-tokens'() {
    const source = { inlineData: { mimeType: 'image/png', data: media('dot.png').toString('base64') } }
    assert.equal((await model(PRO).countTokens(['Make it night', source])).totalTokens, 564)
  },
  async 'bad-key'() {
    await refused(() => model(NEW, {}, 'bad').generateContent('A heron'), 400, 'API_KEY_INVALID')
  },
  async 'unknown-model'() {
    await refused(() => draw('gemini-9-image', 'A heron'), 404, 'is not found')
  },
  async 'bad-ratio'() {
    await refused(() => draw(PRO, 'A heron', { imageConfig: { aspectRatio: '1:8' } }), 400, 'aspect ratio')
  },
  async 'blocked-prompt'() {
    await script({ block_reason: 'PROHIBITED_CONTENT' })
    const response = await draw(NEW, 'A heron')
    assert.equal(response.promptFeedback.blockReason, 'PROHIBITED_CONTENT')
    assert.throws(() => response.text(), /PROHIBITED_CONTENT/)
  },
  async 'blocked-picture'() {
    await script({ finish_reason: 'IMAGE_SAFETY', finish_message: 'It was filtered.' })
    const response = await draw(NEW, 'A heron')
    assert.equal(response.candidates[0].finishReason, 'IMAGE_SAFETY')
    assert.deepEqual(pictures(response), [])
  },
  async 'rate-limit'() {
    await script(busy)
    await refused(() => draw(NEW, 'A heron'), 429, '"retryDelay":"7s"')
  },
  async overloaded() {
    await script(overloaded)
    await refused(() => draw(NEW, 'A heron'), 503, 'overloaded')
  },
})
