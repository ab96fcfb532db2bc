// What the scenarios in Node share: the emulator's controls, what a right picture is, and how they are run.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'

export const url = process.env.EMULATOR_URL
const folder = process.env.MEDIA
export const key = 'any-key'
export const [NEW, PRO] = ['gemini-nano-banana-2.1', 'gemini-3-pro-image']

/** What a scripted fault is: the emulator's own form of a step. */
export const busy = {
  status: 429,
  error: {
    status: 'RESOURCE_EXHAUSTED',
    message: 'Resource has been exhausted (e.g. check quota).',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
  },
}
export const overloaded = { status: 503, error: { status: 'UNAVAILABLE', message: 'The model is overloaded.' } }
export const brokenStream = {
  json: [{ candidates: [{ content: { role: 'model', parts: [{ text: 'Here' }] } }] }, { error: { code: 503, ...overloaded.error } }],
}

/** The first part of an answer; the rest is the emulator's own, for whoever brings the token back. */
export const cutOff = { text: 'Here it ', continuation: 'more-1' }

/** What the emulator is told and asked from outside, below `/__emulator/`. */
export async function controls(path, body) {
  const reply = await fetch(`${url}/__emulator/${path}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })
  return JSON.parse((await reply.text()) || 'null')
}
export const script = (...steps) => controls('script', steps)
export const requests = () => controls('requests')
export const media = (name) => readFileSync(`${folder}/${name}`)
export const mediaPath = (name) => `${folder}/${name}`
export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))

/** Fails unless this is a whole picture of this size; a text is base64. */
export async function isPicture(data, width, height) {
  const picture = sharp(typeof data === 'string' ? Buffer.from(data, 'base64') : data, { failOn: 'warning' })
  const { info } = await picture.raw().toBuffer({ resolveWithObject: true })
  assert.deepEqual([info.width, info.height], [width, height])
  const { channels } = await picture.stats()
  assert.ok(Math.max(...channels.map(({ min, max }) => max - min)) > 50, 'a picture of one colour')
}

/**
 * Fails unless the last request brought back two turns of the model, each picture with its signature. A turn may come
 * in several contents, one for each event of a stream.
 */
export async function sentThreeTurns() {
  const turns = []
  for (const { role, parts } of (await requests()).at(-1).json.contents) {
    if (turns.at(-1)?.role === role) turns.at(-1).parts.push(...parts)
    else turns.push({ role, parts: [...parts] })
  }
  assert.deepEqual(turns.map(({ role }) => role), ['user', 'model', 'user', 'model', 'user'])
  for (const { parts } of [turns[1], turns[3]]) {
    const pictures = parts.filter((part) => part.inlineData && !part.thought)
    assert.equal(pictures.length, 1)
    assert.ok(pictures[0].thoughtSignature, 'a picture went back without its signature')
  }
}

/** Runs all, and prints what came of each as a line of JSON. */
export async function main(scenarios) {
  for (const [name, run] of Object.entries(scenarios)) {
    await controls('reset', {})
    const fault = await run().then(() => null, (error) => String(error?.stack ?? error).slice(0, 1500))
    console.log(JSON.stringify({ scenario: name, fault }))
  }
}
