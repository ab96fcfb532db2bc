import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { APIError, Image, InvalidOptionError, NanoBananaError, ResponseError, Result, type Event } from 'nanobanana-sdk'
import { node, offline, until } from './helpers'

const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const picture = { inlineData: { mimeType: 'image/png', data: dot } }
const line = (parts: object[], finishReason?: string): string => {
  return `data: ${JSON.stringify({ candidates: [{ content: { parts }, ...(finishReason && { finishReason }) }] })}\n\n`
}

/** A reply whose first event comes at once and whose second one after this many seconds. */
const slow = (pause: number, last = line([picture], 'STOP')): Record<string, unknown> => {
  const first = line([{ text: 'A boat' }])
  return { body: first + last, chunk: first.length, pause }
}
const stuck = slow(60)

test('a stream gives thoughts, text, pictures and then the whole result', () =>
  offline(async (client) => {
    const events: Event[] = []
    for await (const event of client.generateStream('a boat', { model: 'nano-banana-pro', thoughts: true })) events.push(event)
    assert.deepEqual([...new Set(events.map((event) => event.type))], ['thought', 'text', 'image', 'done'])
    const last = events.at(-1)
    assert.ok(last?.type === 'done' && last.result instanceof Result && last.result.image instanceof Image)
    assert.ok(last.result.thoughts.text && last.result.thoughts.images[0] instanceof Image)
    for (const event of events) {
      if (event.type === 'image') assert.ok(event.image.equals(last.result.image))
      if (event.type === 'text') assert.deepEqual(Object.keys(event).sort(), ['text', 'type'])
    }
    const edited = client.editStream('at night', last.result.image)
    for await (const event of edited) if (event.type === 'done') assert.equal(event.result.image.width, 1024)
  }))

test('an event is handed out when it arrives', () =>
  offline(async (client, emulator) => {
    emulator.script([slow(2)])
    const stream = client.generateStream('a boat')
    const started = performance.now()
    assert.deepEqual(await stream.next(), { done: false, value: { type: 'text', text: 'A boat' } })
    const first = performance.now() - started
    assert.equal((await stream.next()).value?.type, 'image')
    assert.ok(first < 1500 && performance.now() - started > 1950, `${first} ms`)
    assert.equal((await stream.next()).value?.type, 'done')
    for (let more = 0; more < 2; more++) assert.deepEqual(await stream.next(), { done: true, value: undefined })
  }))

test('events that are asked for at the same time come in order', () =>
  offline(async (client) => {
    const stream = client.generateStream('a boat')
    const events = await Promise.all(Array.from({ length: 9 }, () => stream.next()))
    const names = events.map(({ done, value }) => (done ? 'over' : value.type))
    // Its words come in several pieces, whose number is the emulator's business.
    assert.deepEqual(names.filter((name, at) => name !== names[at - 1]), ['text', 'image', 'done', 'over'])
  }))

const leave = {
  'break ends the request': async (stream) => {
    for await (const _ of stream) break
  },
  'an exception in the loop ends the request': async (stream) => {
    const mine = new Error('mine')
    const loop = async (): Promise<void> => {
      for await (const _ of stream) throw mine
    }
    await assert.rejects(loop(), (error) => error === mine)
  },
  'close ends the request, and who waits sees the end': async (stream) => {
    await stream.next()
    const waiting = stream.next()
    await stream.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
  },
  '`await using` ends the request': async (stream) => {
    await stream.next()
    await stream[Symbol.asyncDispose]()
  },
} satisfies Record<string, (stream: AsyncIterableIterator<Event, undefined> & { close(): Promise<void>; [Symbol.asyncDispose](): Promise<void> }) => Promise<void>>

for (const [name, act] of Object.entries(leave)) {
  test(name, () =>
    offline(async (client, emulator) => {
      emulator.script([stuck])
      const stream = client.generateStream('a boat')
      await act(stream)
      await until(() => emulator.requests[0]?.cancelled === true, 'the request to end')
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
    }))
}

test('an abort ends the request while an event is waited for', () =>
  offline(async (client, emulator) => {
    emulator.script([stuck])
    const controller = new AbortController()
    const stream = client.generateStream('a boat', { signal: controller.signal })
    await stream.next()
    const waiting = stream.next()
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    await until(() => emulator.requests[0]?.cancelled === true, 'the request to end')
    assert.deepEqual(await stream.next(), { done: true, value: undefined })
  }))

test('an abort ends the request while nobody waits, and is told once', () =>
  offline(async (client, emulator) => {
    emulator.script([stuck])
    const controller = new AbortController()
    const stream = client.generateStream('a boat', { signal: controller.signal })
    await stream.next()
    controller.abort('enough')
    await until(() => emulator.requests[0]?.cancelled === true, 'the request to end')
    await assert.rejects(stream.next(), (error) => error === 'enough')
    assert.deepEqual(await stream.next(), { done: true, value: undefined })
  }))

test('an abort after the end changes nothing, and no listener is left', () =>
  offline(async (client) => {
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => (listeners++, addEventListener.apply(signal, args))
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => (listeners--, removeEventListener.apply(signal, args))
    const stream = client.generateStream('a boat', { signal })
    assert.equal(listeners, 1)
    while ((await stream.next()).value?.type !== 'done');
    assert.equal(listeners, 0)
    controller.abort()
    assert.deepEqual(await stream.next(), { done: true, value: undefined })
  }))

test('what is wrong with a call is told with the first event, and nothing is sent', () =>
  offline(async (client, emulator) => {
    const bad: Array<[Parameters<typeof client.generateStream>[1], unknown]> = [
      [{ signal: AbortSignal.abort('no') }, 'no'],
      [{ signal: 5 as unknown as AbortSignal }, InvalidOptionError],
      [{ aspectRation: '1:1' } as object, InvalidOptionError],
      [{ n: 2 }, InvalidOptionError],
    ]
    for (const [options, wanted] of bad) {
      const stream = client.generateStream('a boat', options)
      await assert.rejects(stream.next(), (error) => (typeof wanted === 'function' ? error instanceof wanted : error === wanted))
      assert.deepEqual(await stream.next(), { done: true, value: undefined })
    }
    // Nobody waits for this one: that it fails must not end the process.
    client.generateStream(5 as unknown as string)
    await sleep(20)
    assert.equal(emulator.requests.length, 0)
  }))

test('closing ends the reading of an input too', () =>
  offline(async (client) => {
    const input = new Readable({ read() {} })
    const stream = client.editStream('x', input)
    const waiting = stream.next()
    await stream.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.ok(input.destroyed)
  }))

test('an error keeps what had arrived, as JSON without bytes', () =>
  offline(async (client, emulator) => {
    emulator.script([{ body: line([{ text: 'hm', thought: true }]) + line([{ text: 'A boat' }, picture]) }])
    const stream = client.generateStream('a boat')
    const types: string[] = []
    const error = await (async () => {
      for await (const event of stream) types.push(event.type)
    })().catch((error: unknown) => error)
    assert.deepEqual(types, ['thought', 'text', 'image'])
    assert.ok(error instanceof ResponseError && error.partial)
    const { text, thoughts, images } = error.partial
    assert.deepEqual([text, thoughts, images.length], ['A boat', 'hm', 1])
    assert.ok(images[0] instanceof Image && images[0].bytes.equals(Buffer.from(dot, 'base64')))
    const json = structuredClone(error.toJSON())
    assert.deepEqual(json.partial, { text, thoughts, images: [{ mimeType: 'image/png', width: 1, height: 1, bytes: images[0].bytes.length }], links: [] })
    assert.ok(!JSON.stringify(json).includes(dot.slice(0, 20)))
    const again = NanoBananaError.fromJSON(json)
    assert.ok(again instanceof ResponseError)
    assert.deepEqual(again.partial, { text, thoughts, images: [], links: [] })
    assert.equal(new APIError('by hand').partial, null)
    assert.ok(!('partial' in (await client.generate('').catch((error: object) => error))))
  }))

test('a key function is asked for each stream', () =>
  offline(async (client, emulator) => {
    const keyed = client.withOptions({ apiKey: async () => 'bad' })
    await assert.rejects(keyed.generateStream('a boat').next(), { name: 'AuthenticationError' })
    assert.equal(emulator.requests.length, 1)
  }))

test('a stream that is dropped is closed when it is collected, though its signal lives', async () => {
  const program = `
    const { Client, Emulator } = require('nanobanana-sdk')
    const { setTimeout: sleep } = require('node:timers/promises')
    const { signal } = new AbortController()
    void (async () => {
      const emulator = await Emulator.start()
      emulator.script([${JSON.stringify(stuck)}])
      const client = new Client({ baseUrl: emulator.url, apiKey: 'k' })
      await (async () => { await client.generateStream('a boat', { signal }).next() })()
      for (let turn = 0; turn < 2000 && !emulator.requests[0].cancelled; turn++) {
        globalThis.gc()
        await sleep(10)
      }
      console.log(emulator.requests[0].cancelled, signal.aborted)
    })()`
  assert.equal(await node(['--expose-gc', '-e', program]), 'true false')
})
