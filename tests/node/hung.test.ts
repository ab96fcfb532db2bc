// What never returns (a FIFO, a key function, a stream of JavaScript's) holds up nothing but its own call.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as nb from 'nanobanana-sdk'
import { offline } from './helpers'

const MANY = 40
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'nanobanana-'))
const skip = process.platform === 'win32' && 'there are no FIFOs'

test('reads that hang end at the timeout and hold up no other call', { skip }, () =>
  offline(async (_client, emulator) => {
    const client = new nb.Client({ apiKey: 'key', baseUrl: emulator.url, timeout: 5000, retry: false, model: 'nano-banana' })
    const place = await folder()
    const { image } = await client.generate('a boat')
    const good = await image.save(join(place, 'good'))
    const paths = [...Array(MANY).keys()].map((number) => join(place, `fifo-${number}`))
    execFileSync('mkfifo', paths)
    const begun = performance.now()
    const ended: unknown[] = []
    const end = (error: unknown): unknown => ended.push(error)
    const hung = paths.map((path) => client.edit('x', path).then(() => end('drawn'), end))
    await sleep(100)
    await client.generate('a boat', { outputFormat: 'webp' })
    await client.edit('a boat', good)
    await client.files.upload(good)
    await image.save(join(place, 'more'))
    await image.convert('jpeg')
    assert.equal(ended.length, 0, 'those that hang still do')
    await Promise.all(hung)
    assert.ok(performance.now() - begun < 30_000)
    assert.ok(ended.every((error) => error instanceof nb.ImageError))
    await assert.rejects(client.files.upload(paths[0] as string, { timeout: 1000 }), nb.NanoBananaError)
    const again = paths.map((path) => client.edit('x', path).catch((error: unknown) => error))
    await sleep(100)
    await client.close()
    for (const error of await Promise.all(again)) assert.ok(error instanceof nb.APIConnectionError)
  }))

test('devices are refused', { skip: !existsSync('/dev/zero') && 'there are none' }, () =>
  offline(async (client) => {
    for (const path of ['/dev/zero', '/dev/random', '/dev']) {
      const calls = [client.edit('x', path), client.files.upload(path), nb.Image.open(path), client.loadChat(path)]
      await Promise.all(calls.map((call) => assert.rejects(call, nb.NanoBananaError)))
    }
  }))

test('what is no key is a ConfigError, and nothing is sent', () =>
  offline(async (_client, emulator) => {
    for (const given of [null, undefined, '', ' ', 'key\n', 'a key', 'schlüssel', 7, Buffer.from('key')]) {
      for (const apiKey of [() => given, async () => given] as Array<() => string>) {
        const client = new nb.Client({ apiKey, baseUrl: emulator.url, retry: false })
        const chat = client.chat()
        const drain = async (): Promise<void> => { for await (const _ of client.generateMany(['a', 'b'])) continue }
        const calls = [
          client.generate('x'), client.generateStream('x').next(), chat.send('x'), chat.sendStream('x').next(), chat.branch().send('x'),
          client.withOptions({ model: 'nano-banana-pro' }).generate('x'), client.countTokens('x'), client.files.list(), drain(),
        ]
        const refused = (error: unknown): boolean => error instanceof nb.ConfigError && error.message.includes('apiKey')
        await Promise.all(calls.map((call) => assert.rejects(call as Promise<unknown>, refused)))
      }
    }
    assert.equal(emulator.requests.length, 0)
  }))

test('a key is asked for at each attempt, in the context of the call, and what is thrown comes out as it is', () =>
  offline(async (_client, emulator) => {
    const tenant = new AsyncLocalStorage<string>()
    const asked: Array<string | undefined> = []
    const broken = { not: 'an error' }
    let shutAfter = Infinity
    const apiKey = async (): Promise<string> => {
      if (asked.push(tenant.getStore()) > shutAfter) throw broken
      return `key-${asked.length}`
    }
    const client = new nb.Client({ apiKey, baseUrl: emulator.url, retry: { initial: 10 }, model: 'nano-banana' })
    emulator.script([{ status: 503 }, { status: 503 }])
    await tenant.run('a', () => client.generate('a boat'))
    assert.deepEqual(asked, ['a', 'a', 'a'])
    const keys = emulator.requests.map(({ headers }) => headers['x-goog-api-key'])
    assert.equal(keys.length, 3)
    emulator.script([{ status: 503 }])
    shutAfter = asked.length + 1
    await assert.rejects(client.generate('a boat'), (error) => error === broken)
    await assert.rejects(client.chat().sendStream('x').next(), (error) => error === broken)
    assert.equal(emulator.requests.length, 4)
    const silent = new nb.Client({ apiKey: () => new Promise<string>(() => {}), baseUrl: emulator.url, retry: false, timeout: 400 })
    await assert.rejects(silent.generate('x'), nb.APITimeoutError)
    const { signal } = new AbortController()
    await assert.rejects(silent.generate('x', { signal: AbortSignal.any([signal, AbortSignal.timeout(100)]) }), { name: 'TimeoutError' })
  }))

test('what changes a conversation takes effect in the order of the calls', () =>
  offline(async (client, emulator) => {
    const said = (chat: nb.Chat): string[] => chat.history.filter(({ role }) => role === 'user').map(({ text }) => text)
    const chat = client.chat()
    assert.equal(chat.undo(), false)
    await chat.send('one')
    emulator.script([{ delay: 0.3 }, { delay: 2 }])
    const two = chat.send('two')
    assert.equal(chat.undo(), true)
    const three = chat.send('three')
    const branch = chat.branch()
    chat.dropImages()
    assert.deepEqual(said(chat), ['one'], 'nothing of a turn under way is seen')
    await two
    assert.deepEqual(said(chat), ['one'], 'it was taken back before its end was told')
    const four = branch.send('four')
    await three
    assert.deepEqual(said(chat), ['one', 'three'])
    assert.deepEqual(chat.history.map(({ images }) => images.length), [0, 0, 0, 0])
    await four
    assert.deepEqual(said(branch), ['one', 'three', 'four'])
    assert.deepEqual(branch.history.map(({ images }) => images.length), [0, 1, 0, 1, 0, 1])
    // A send whose pictures are still read is not overtaken.
    const picture = new Blob([(await client.generate('a boat')).image.bytes])
    await Promise.all([chat.send('five', { images: picture }), chat.send('six')])
    assert.deepEqual(said(chat), ['one', 'three', 'five', 'six'])
  }, { model: 'nano-banana' }))

test('headers of a conversation are not in its file', () =>
  offline(async (client) => {
    const place = await folder()
    const chat = client.chat({ headers: { 'x-secret': 'canary-chat-header' }, model: 'nano-banana' })
    await chat.send('a boat', { headers: { cookie: 'canary-turn-header' } })
    const path = await chat.save(join(place, 'a'))
    assert.doesNotMatch(await readFile(path, 'utf8'), /canary|headers/)
  }))
