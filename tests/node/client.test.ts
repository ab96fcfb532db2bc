import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as nb from 'nanobanana-sdk'
import { offline } from './helpers'

const key = (emulator: nb.Emulator): unknown => emulator.requests.at(-1)?.headers['x-goog-api-key']

test('a key may be a function, asked for each call', () =>
  offline(async (_client, emulator) => {
    let asked = 0
    // The emulator knows one bad key.
    const client = new nb.Client({ baseUrl: emulator.url, apiKey: async () => (++asked === 2 ? 'bad' : 'good') })
    assert.equal(asked, 0)
    await client.generate('a boat')
    await assert.rejects(client.generate('a boat'), nb.AuthenticationError)
    await client.withOptions({ model: 'nano-banana-pro' }).generate('a boat')
    assert.equal(asked, 3)
    const broken = new Error('the vault is shut')
    const failing = client.withOptions({ apiKey: () => Promise.reject(broken) })
    await assert.rejects(failing.generate('a boat'), (error) => error === broken)
    await client.close()
    await assert.rejects(client.generate('a boat'), nb.ConfigError)
    assert.notEqual(key(emulator), 'given-for-each-call')
  }))

test('a missing key is an error at construction that says what to do', () => {
  const { GOOGLE_API_KEY, GEMINI_API_KEY } = process.env
  delete process.env.GOOGLE_API_KEY
  delete process.env.GEMINI_API_KEY
  try {
    const says = /GOOGLE_API_KEY.*GEMINI_API_KEY.*offline/s
    assert.throws(() => new nb.Client(), (error) => error instanceof nb.ConfigError && says.test(error.message))
  } finally {
    if (GOOGLE_API_KEY !== undefined) process.env.GOOGLE_API_KEY = GOOGLE_API_KEY
    if (GEMINI_API_KEY !== undefined) process.env.GEMINI_API_KEY = GEMINI_API_KEY
  }
})

test('warnings of construction are warnings of the process', async () => {
  const saved = { ...process.env }
  Object.assign(process.env, { GOOGLE_API_KEY: 'a', GEMINI_API_KEY: 'b' })
  try {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    new nb.Client()
    const warning = await warned
    assert.equal(warning.name, 'NanoBananaWarning')
    assert.match(warning.message, /GOOGLE_API_KEY/)
  } finally {
    process.env = saved
  }
})

test('the module has a client of its own', () =>
  offline(async (client, emulator) => {
    nb.setDefaultClient(client)
    const { image } = await nb.generate('a boat')
    await nb.edit('at night', image)
    assert.equal(emulator.requests.length, 2)
    nb.setDefaultClient(undefined)
  }))

test('models are listed', () =>
  offline(async (client, emulator) => {
    const models = await client.models()
    const pro = models.find((model) => model.aliases.includes('nano-banana-pro'))
    assert.equal(pro?.id, 'gemini-3-pro-image')
    assert.ok(pro.imageSizes.includes('4K') && pro.maxImages === 14)
    assert.equal(emulator.requests.length, 0)
  }))

test('a call is priced before it is sent', () =>
  offline(async (client, emulator) => {
    const asked: string[] = []
    const apiKey = () => String(asked.push('key'))
    const keyed = new nb.Client({ apiKey, baseUrl: emulator.url, budget: { usd: 2.5, perCall: 0.2 } })
    const images = [Buffer.from('not looked at'), 'nowhere.png']
    const estimate = await keyed.estimate('a boat', { images, n: 2, search: true })
    assert.ok(estimate.low! < estimate.typical! && estimate.typical! < estimate.high!)
    assert.equal(estimate.inputTokens, 2 * (2 + 2 * 1120))
    assert.match(estimate.notIncluded.join(), /\$14 for 1,000 queries/)
    await assert.rejects(keyed.estimate('a boat', { seed: 0.5 }), nb.InvalidOptionError)
    assert.equal(keyed.spent.remainingUsd, 2.5)
    assert.equal(keyed.withOptions({ budget: 7 }).spent.remainingUsd, 7)
    assert.equal(client.spent.remainingUsd, null)
    assert.deepEqual(client.spent.unknownCalls, [])
    assert.deepEqual([asked, emulator.requests], [[], []])
  }))

test('a client and an emulator are disposed of with `await using`', async () => {
  const client = await nb.Client.offline()
  await client[Symbol.asyncDispose]()
  await assert.rejects(client.generate('x'), nb.ConfigError)
  const emulator = await nb.Emulator.start()
  await emulator[Symbol.asyncDispose]()
  const late = new nb.Client({ baseUrl: emulator.url, apiKey: 'k', retry: false })
  await assert.rejects(late.generate('x'), nb.APIConnectionError)
})

test('timeouts are milliseconds', () =>
  offline(async (client, emulator) => {
    emulator.script([{ hang: true }])
    const started = performance.now()
    await assert.rejects(client.generate('x', { timeout: 80, retry: false }), nb.APITimeoutError)
    const took = performance.now() - started
    assert.ok(took >= 75 && took < 20_000, `${took} ms`)
  }))

test('an emulator follows another reading', async () => {
  const emulator = await nb.Emulator.start({ readings: ['png-answers'] })
  const client = new nb.Client({ baseUrl: emulator.url, apiKey: 'k', model: 'nano-banana-2' })
  const { image } = await client.generate('a boat', { imageSize: '512' })
  assert.equal(image.mimeType, 'image/png')
  const misspelt = { readings: ['png-answer'] } as unknown as nb.EmulatorOptions
  await assert.rejects(nb.Emulator.start(misspelt), /Did you mean `png-answers`/)
  await client.close()
  await emulator.close()
})
