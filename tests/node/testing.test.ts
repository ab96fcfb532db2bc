// What other projects' tests use: an emulator for a test, with its options and recorded calls.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client, Emulator, RateLimitError } from 'nanobanana-sdk'
import { emulated } from 'nanobanana-sdk/testing'
import { node } from './helpers'

test('an emulator lives as long as its test', async (t) => {
  let url = ''
  await t.test('inside', async (t) => {
    const { client, emulator } = await emulated(t, { rpm: 1, client: { retry: false } })
    url = emulator.url
    await client.generate('a boat')
    await assert.rejects(client.generate('a boat'), RateLimitError)
    assert.deepEqual(emulator.requests.map(({ status }) => status), [200, 429])
  })
  await assert.rejects(fetch(url))
})

test('other runners have another word for it, and what is none is told', async () => {
  let done: () => unknown = () => assert.fail()
  const { emulator } = await emulated({ onTestFinished: (work) => { done = work } })
  await done()
  await assert.rejects(fetch(emulator.url))
  for (const none of [{}, () => {}, { timeout: () => {} }]) await assert.rejects(emulated(none as never), /the context of vitest.*afterEach/)
})

test('without a runner it is closed by hand, or by await using', async () => {
  const fake = await emulated(null, { rpm: 5 })
  await fake.client.generate('a boat')
  await fake.close()
  await fake.close()
  await assert.rejects(fetch(fake.emulator.url))
  await assert.rejects(fake.client.generate('a boat'), /closed/)
  let url = ''
  {
    await using fake = await emulated()
    await using stream = fake.client.generateStream('a boat')
    await using client = await Client.offline()
    await using emulator = await Emulator.start()
    url = emulator.url
    await stream.next()
    await client.generate('a boat')
  }
  await assert.rejects(fetch(url))
})

test('await using works in a realm without Symbol.asyncDispose, as that of Jest', async () => {
  const program = `
    const { readFileSync } = require('node:fs')
    const vm = require('node:vm')
    const path = require('node:path')
    const realm = vm.createContext({ ...globalThis, process, Buffer, URL, Blob, WeakRef, FinalizationRegistry, AbortController, AbortSignal })
    const loaded = new Map()
    const load = (file) => {
      if (loaded.has(file)) return loaded.get(file).exports
      const module = { exports: {} }
      loaded.set(file, module)
      const find = require('node:module').createRequire(file)
      const inside = (name) => (name.startsWith('./') ? load(find.resolve(name)) : find(name))
      inside.resolve = find.resolve
      vm.runInContext('(function (exports, require, module, __dirname) {' + readFileSync(file, 'utf8') + '\\n})', realm)(module.exports, inside, module, path.dirname(file))
      return module.exports
    }
    const { emulated } = load(require.resolve('nanobanana-sdk/testing'))
    const key = vm.runInContext("Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')", realm)
    void (async () => {
      const fake = await emulated()
      await fake.client.generate('a boat')
      await fake.client.generateStream('a boat')[key]()
      await fake[key]()
      console.log(await fetch(fake.emulator.url).catch(() => 'gone'))
    })()`
  assert.equal(await node(['-e', program]), 'gone')
})

test('recorded calls come from their folder', async (t) => {
  const cassette = await mkdtemp(join(tmpdir(), 'cassette-'))
  t.after(() => rm(cassette, { recursive: true }))
  const service = await Emulator.start()
  const recording = await emulated(t, { cassette, upstream: service.url, client: { apiKey: 'a-real-key-0123' } })
  const first = await recording.client.generate('a boat', { seed: 1 })
  await service.close()
  assert.ok(!(await readFile(join(cassette, 'cassette.json'), 'utf8')).includes('a-real-key-0123'))
  const { client } = await emulated(t, { cassette, record: 'never' })
  assert.deepEqual((await client.generate('a boat', { seed: 1 })).image.bytes, first.image.bytes)
  await assert.rejects(client.generate('a ship', { seed: 1 }), /"a boat" was recorded, "a ship" is sent/)
})

test('a running emulator begins and stops recording', async (t) => {
  const cassette = await mkdtemp(join(tmpdir(), 'cassette-'))
  t.after(() => rm(cassette, { recursive: true }))
  const service = await Emulator.start()
  t.after(() => service.close())
  const { client, emulator } = await emulated(t, { client: { retry: false } })
  service.script([{ image: 'png 8x8' }])
  await emulator.record({ cassette, upstream: service.url })
  assert.equal((await client.generate('a boat')).image.width, 8)
  await emulator.record({ mode: 'never' })
  assert.equal((await client.generate('a boat')).image.width, 8)
  await assert.rejects(client.generate('a ship'), /"a boat" was recorded, "a ship" is sent/)
  await emulator.record()
  assert.equal((await client.generate('a ship')).image.width, 1024)
  await assert.rejects(emulator.record({ mode: 'never' }), /`mode` needs a `cassette`/)
})

test('a module imports it too', async () => {
  const script = "import { emulated } from 'nanobanana-sdk/testing'; console.log(typeof emulated)"
  assert.equal(await node(['--input-type=module', '-e', script]), 'function')
})
