// The scenarios with the AI SDK and @ai-sdk/google.
import assert from 'node:assert/strict'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import {
  APICallError, NoImageGeneratedError, experimental_getBatchResults as getBatchResults, experimental_getBatchStatus as getBatchStatus,
  experimental_startBatch as startBatch, generateImage, generateText, streamText, uploadFile,
} from 'ai'
import { NEW, PRO, brokenStream, busy, cutOff, isPicture, key, main, media, overloaded, script, sentThreeTurns, sleep, url } from './kit.mjs'

const provider = (apiKey = key) => createGoogleGenerativeAI({ apiKey, baseURL: `${url}/v1beta` })
const google = provider()
// The library tries again by itself; the scenarios are about what comes of one request.
const once = { maxRetries: 0 }
const text = (model, options) => generateText({ model: google(model), ...once, ...options })
const options = (google) => ({ providerOptions: { google } })

function picture(files) {
  assert.equal(files.length, 1)
  assert.ok(files[0].mediaType.startsWith('image/'))
  return files[0].uint8Array
}

async function refused(call, status, words) {
  await assert.rejects(call, (error) => {
    assert.ok(APICallError.isInstance(error), String(error))
    assert.equal(error.statusCode, status)
    assert.ok(error.responseBody.includes(words), error.responseBody)
    return true
  })
}

await main({
  async generate() {
    const { image, usage } = await generateImage({ model: google.image(NEW), prompt: 'A heron in the reeds', ...once })
    await isPicture(image.uint8Array, 1024, 1024)
    assert.ok(usage.outputTokens >= 1120)
    const result = await text(NEW, { prompt: 'A heron in the reeds' })
    await isPicture(picture(result.files), 1024, 1024)
    assert.equal(result.finishReason, 'stop')
  },
  async 'ratio-and-size'() {
    const { image } = await generateImage({ model: google.image(PRO), prompt: 'A heron', aspectRatio: '16:9', ...options({ imageConfig: { imageSize: '2K' } }), ...once })
    await isPicture(image.uint8Array, 2752, 1536)
  },
  async edit() {
    const { image } = await generateImage({ model: google.image(NEW), prompt: { text: 'Make it night', images: [media('wide.jpg')] }, ...once })
    await isPicture(image.uint8Array, 1264, 848)
  },
  async stream() {
    const files = []
    let [thoughts, finish] = ['', undefined]
    const { fullStream } = streamText({ model: google(PRO), prompt: 'A heron', ...options({ thinkingConfig: { includeThoughts: true } }), ...once })
    for await (const part of fullStream) {
      if (part.type === 'error') throw part.error
      if (part.type === 'file') files.push(part.file)
      if (part.type === 'reasoning-delta') thoughts += part.text
      if (part.type === 'finish') finish = part.finishReason
    }
    await isPicture(picture(files), 1024, 1024)
    assert.ok(thoughts.length > 0)
    assert.equal(finish, 'stop')
  },
  async search() {
    const result = await text(NEW, { prompt: 'A heron', tools: { google_search: google.tools.googleSearch({}) } })
    await isPicture(picture(result.files), 1024, 1024)
    assert.ok(result.sources[0].url)
  },
  async chat() {
    const messages = []
    for (const content of ['A mascot for a bakery', 'Now waving', 'Now in the rain']) {
      messages.push({ role: 'user', content })
      const { files, response } = await text(PRO, { messages })
      await isPicture(picture(files), 1024, 1024)
      messages.push(...response.messages)
    }
    await sentThreeTurns()
  },
  async 'chat-stream'() {
    const messages = []
    for (const content of ['A mascot for a bakery', 'Now waving', 'Now in the rain']) {
      messages.push({ role: 'user', content })
      const result = streamText({ model: google(PRO), messages, ...once })
      await result.consumeStream()
      await isPicture(picture(await result.files), 1024, 1024)
      messages.push(...(await result.response).messages)
    }
    await sentThreeTurns()
  },
  async upload() {
    const { providerReference, mediaType } = await uploadFile({ api: google.files(), data: media('wide.jpg'), ...options({ displayName: 'wide' }) })
    const content = [{ type: 'text', text: 'Make it night' }, { type: 'file', data: providerReference, mediaType }]
    await isPicture(picture((await text(NEW, { messages: [{ role: 'user', content }] })).files), 1264, 848)
  },
  async 'bad-key'() {
    await refused(() => generateText({ model: provider('bad')(NEW), prompt: 'A heron', ...once }), 400, 'API_KEY_INVALID')
  },
  async 'unknown-model'() {
    await refused(() => text('gemini-9-image', { prompt: 'A heron' }), 404, 'NOT_FOUND')
  },
  async 'bad-ratio'() {
    await refused(() => text(PRO, { prompt: 'A heron', ...options({ imageConfig: { aspectRatio: '1:8' } }) }), 400, 'aspect ratio')
  },
  async 'blocked-prompt'() {
    await script({ block_reason: 'PROHIBITED_CONTENT' })
    const { files, finishReason, providerMetadata } = await text(NEW, { prompt: 'A heron' })
    assert.deepEqual([files, finishReason], [[], 'content-filter'])
    assert.equal(providerMetadata.google.promptFeedback.blockReason, 'PROHIBITED_CONTENT')
  },
  async 'blocked-picture'() {
    await script({ finish_reason: 'IMAGE_SAFETY', finish_message: 'It was filtered.' })
    await assert.rejects(() => generateImage({ model: google.image(NEW), prompt: 'A heron', ...once }), NoImageGeneratedError)
  },
  async 'rate-limit'() {
    await script(busy)
    await refused(() => text(NEW, { prompt: 'A heron' }), 429, '"retryDelay": "7s"')
  },
  async overloaded() {
    await script(overloaded)
    await refused(() => text(NEW, { prompt: 'A heron' }), 503, 'UNAVAILABLE')
  },
  async 'error-in-a-stream'() {
    await script(brokenStream)
    const types = []
    const { fullStream } = streamText({ model: google(NEW), prompt: 'A heron', onError() {}, ...once })
    for await (const part of fullStream) types.push(part.type)
    assert.ok(types.includes('text-delta') && types.includes('error'), types.join())
  },
  async continuation() {
    await script(cutOff)
    const whole = await text(NEW, { prompt: 'A heron' })
    await script(cutOff)
    const stream = streamText({ model: google(NEW), prompt: 'A heron', ...once })
    for (const result of [whole, stream]) {
      const words = await result.text
      assert.ok(words.startsWith('Here it ') && words.length > 20, words)
      await isPicture(picture(await result.files), 1024, 1024)
      assert.equal(await result.finishReason, 'stop')
    }
  },
  async 'batch-inline'() {
    const requests = ['A heron', 'A boat'].map((prompt, place) => ({ id: `r${place}`, type: 'image', model: NEW, prompt }))
    const batch = await startBatch({ provider: google, requests, ...once })
    let { status } = batch
    for (let tries = 0; status === 'pending' && tries < 100; tries++) {
      await sleep(100)
      ;({ status } = await getBatchStatus({ provider: google, batch, ...once }))
    }
    assert.equal(status, 'completed')
    const ids = []
    for await (const item of getBatchResults({ provider: google, batch, ...once })) {
      ids.push(item.id)
      await isPicture(picture(item.images), 1024, 1024)
    }
    assert.deepEqual(ids.sort(), ['r0', 'r1'])
  },
})
