// What other projects' tests use: an emulator for a test, with its options and recorded calls.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Emulator, RateLimitError } from 'nanobanana-sdk'
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
  await assert.rejects(emulated({}), /the context of vitest/)
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
