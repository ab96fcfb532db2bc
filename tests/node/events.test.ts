import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, promisify } from 'node:util'
import { APIError, Client, InvalidOptionError, RateLimitError, type ClientEvent, type ClientOptions, type ScriptStep } from 'nanobanana-sdk'
import { node, offline, root, until } from './helpers'

const key = 'canary-key-7f3a9c'
const prompt = 'a canary in a boat'
const busy = { status: 503, json: { error: { code: 503, status: 'UNAVAILABLE', message: 'busy' } } }
const again = ['request', 'response']

/** Options of a client that is watched, and what was told so far: it comes a moment after the call. */
const watched = (options: ClientOptions = {}): { events: ClientEvent[]; options: ClientOptions } => {
  const events: ClientEvent[] = []
  return { events, options: { apiKey: key, retry: { initial: 10 }, onEvent: (event) => events.push(event), ...options } }
}
const names = (events: ClientEvent[]): string[] => events.map((event) => event.name)
const told = async (events: ClientEvent[], expected: string[]): Promise<void> => {
  await until(() => events.length >= expected.length, expected.join())
  assert.deepEqual(names(events), expected)
}

test('a request, its response, a retry and its wait', async () => {
  const { events, options } = watched()
  await offline(async (client, emulator) => {
    emulator.script([busy])
    const result = await client.generate(prompt, { model: 'nano-banana' })
    await told(events, [...again, 'retry', ...again])
    const [request, failed, retry, second, response] = events as [ClientEvent, ...ClientEvent[]]
    assert.equal(request.model, 'gemini-2.5-flash-image')
    assert.equal(request.size, emulator.requests[0]?.size)
    assert.equal(failed?.status, 503)
    assert.equal(failed.reason, retry?.reason)
    // Milliseconds, as everywhere in Node.
    assert.ok(retry && retry.wait !== null && retry.wait >= 0 && retry.wait <= 10)
    assert.deepEqual([request.attempt, second?.attempt], [1, 2])
    assert.deepEqual([response?.status, response?.images, response?.cost], [200, 1, result.cost])
    assert.deepEqual(response?.usage, result.usage)
    assert.equal(response?.requestId, result.attempts[1]?.requestId)
    assert.ok(response?.took && response.took > 0.1)
    assert.equal(new Set(events.map((event) => event.call)).size, 1)
  }, options)
})

const lost: ScriptStep[] = [{ cut: 'headers' }, { image: 'png 8x8' }]

test('what a result warns of is an event for who watches, and shown by inspect', async () => {
  const { events, options } = watched()
  await offline(async (client, emulator) => {
    emulator.script(lost)
    const result = await client.generate(prompt)
    const [warning] = result.warnings
    assert.match(warning ?? '', /billed too/)
    await told(events, [...again, 'retry', ...again, 'warning'])
    assert.equal(events.at(-1)?.reason, warning)
    assert.match(inspect(result), /billed too/)
    // What is said of the options alone costs nothing and loses nothing.
    assert.ok((await client.generate(prompt, { model: 'nano-banana', imageSize: '4K', onUnsupported: 'warn' })).warnings.length > 0)
    await told(events, [...again, 'retry', ...again, 'warning', ...again])
  }, options)
})

test('and a warning of the process where nobody does', async () => {
  const seen: Error[] = []
  const see = (warning: Error): void => { seen.push(warning) }
  process.on('warning', see)
  try {
    await offline(async (client, emulator) => {
      emulator.script(lost)
      await client.generate(prompt)
      await until(() => seen.length > 0, 'a warning')
      assert.deepEqual([seen.length, seen[0]?.name], [1, 'NanoBananaWarning'])
      assert.match(seen[0]?.message ?? '', /billed too/)
    }, { apiKey: key, retry: { initial: 10 } })
  } finally {
    process.off('warning', see)
  }
})

test('streams, conversations and copies are watched', async () => {
  const { events, options } = watched()
  const others = watched()
  await offline(async (client) => {
    for await (const _ of client.generateStream(prompt));
    await client.chat().send(prompt)
    await client.withOptions({ model: 'nano-banana' }).generate(prompt)
    await told(events, [...again, ...again, ...again])
    await client.withOptions({ onEvent: others.options.onEvent }).generate(prompt)
    await told(others.events, again)
    const free = await Client.offline({ onEvent: options.onEvent })
    await free.generate(prompt)
    await told(events, [...again, ...again, ...again, ...again])
    await told(others.events, again)
    assert.throws(() => new Client({ apiKey: 'k', onEvent: 5 as never }), InvalidOptionError)
  }, options)
})

test('a common pause is told', async () => {
  const { events, options } = watched()
  await offline(async (client, emulator) => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.5s' }]
    const error = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', details }
    emulator.script([{ status: 429, json: { error } }])
    const first = client.generate(prompt)
    await until(() => names(events).includes('retry'), 'the retry')
    await Promise.all([first, client.generate(prompt)])
    await until(() => names(events).filter((name) => name === 'response').length === 3, 'the answers')
    // One that waits for its turn, and not for the pause, does not know how long.
    const waits = events.flatMap(({ name, wait }) => (name === 'wait' && wait !== null ? [wait] : []))
    assert.ok(waits.length > 0)
    for (const wait of waits) assert.ok(wait > 0 && wait <= 600, `${wait} ms`)
  }, options)
})

test('no event holds a key, a prompt or a picture', async () => {
  const { events, options } = watched()
  await offline(async (client, emulator) => {
    const message = `${key} may not say ${prompt}`
    emulator.script([{ status: 400, json: { error: { code: 400, status: 'INVALID_ARGUMENT', message } } }, { status: 500, body: key }, busy])
    for (let call = 0; call < 2; call++) await assert.rejects(client.generate(prompt, { retry: false }), APIError)
    const { image } = await client.generate(prompt, { system: prompt, headers: { 'x-canary': key } })
    await client.edit(prompt, image)
    await until(() => names(events).filter((name) => name === 'response').length === 5, 'the answers')
    const shown = JSON.stringify(events)
    assert.doesNotMatch(shown, /canary/)
    assert.ok(!shown.includes(image.bytes.toString('base64', 300, 330)))
  }, options)
})

test('what onEvent throws is an uncaught exception', async () => {
  const program = `
    const { Client } = require('nanobanana-sdk')
    process.on('uncaughtException', (error) => console.log(error.message))
    void (async () => {
      const client = await Client.offline({ onEvent: ({ name }) => { throw new Error(name) } })
      const { image } = await client.generate('a boat')
      setTimeout(() => console.log(image.width), 2000)
    })()`
  assert.equal(await node(['-e', program]), 'request\nresponse\n1024')
})

test('a watcher does not keep the process alive, and is told the last step', async () => {
  const program = `
    const { Client } = require('nanobanana-sdk')
    void (async () => {
      globalThis.kept = await Client.offline({ onEvent: ({ name }) => console.log(name) })
      await kept.generate('a boat')
    })()`
  assert.equal(await node(['-e', program]), 'request\nresponse')
})

test('a watcher that holds its client goes with it', async () => {
  const program = `
    const { Client } = require('nanobanana-sdk')
    let gone = 0
    const registry = new FinalizationRegistry(() => gone++)
    const make = () => {
      const client = new Client({ apiKey: 'k', onEvent: () => client })
      registry.register(client)
    }
    for (let number = 0; number < 100; number++) make()
    setTimeout(async () => {
      for (let round = 0; round < 500 && gone < 99; round++) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      console.log(gone >= 99)
    })`
  assert.equal(await node(['--expose-gc', '-e', program]), 'true')
})

test('a key function that holds its client goes with it, also when a stream has begun', async () => {
  const program = `
    const { Client, Emulator } = require('nanobanana-sdk')
    let gone = 0
    const registry = new FinalizationRegistry(() => gone++)
    void (async () => {
      const emulator = await Emulator.start()
      const make = async (number) => {
        const held = {}
        const apiKey = () => { held.asked = true; return 'key' }
        held.client = new Client({ apiKey, baseUrl: emulator.url, model: 'nano-banana' })
        if (number % 2) {
          held.stream = held.client.generateStream('a boat')
          await held.stream.next()
        } else await held.client.generate('a boat')
        registry.register(held)
      }
      for (let number = 0; number < 10; number++) await make(number)
      for (let round = 0; round < 500 && gone < 9; round++) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      console.log(gone >= 9)
    })()`
  assert.equal(await node(['--expose-gc', '-e', program]), 'true')
})

test('NODE_DEBUG tells the steps on stderr, and nothing is told without it', async () => {
  const program = `
    const { Client, Emulator } = require('nanobanana-sdk')
    void (async () => {
      const emulator = await Emulator.start()
      emulator.script([{ status: 503 }])
      const client = new Client({ apiKey: '${key}', baseUrl: emulator.url, retry: { initial: 1 } })
      await client.generate('${prompt}')
    })()`
  const run = async (debug: string): Promise<string> => {
    const env = { ...process.env, NODE_DEBUG: debug }
    return (await promisify(execFile)(process.execPath, ['-e', program], { cwd: root, env, timeout: 120_000 })).stderr
  }
  assert.equal(await run(''), '')
  const lines = (await run('nanobanana')).trim().split('\n')
  assert.equal(lines.length, 5)
  for (const line of lines) assert.match(line, /^NANOBANANA \d+: call 1 \(gemini-nano-banana-2\.1\): /)
  assert.doesNotMatch(lines.join(), /canary/)
})

test('a worker that ends while it is told ends well', () =>
  offline(async (_client, emulator) => {
    emulator.script([{ hang: true }])
    const { Worker } = await import('node:worker_threads')
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Client } = require('nanobanana-sdk')
      const client = new Client({ baseUrl: workerData, apiKey: 'k', onEvent: ({ name }) => parentPort.postMessage(name) })
      void client.generate('a boat')`
    const worker = new Worker(program, { eval: true, workerData: emulator.url, execArgv: [] })
    assert.equal(await new Promise((resolve) => worker.once('message', resolve)), 'request')
    await until(() => emulator.requests.length === 1, 'the request')
    await worker.terminate()
    await until(() => emulator.requests[0]?.cancelled === true, 'the request to end with its thread')
    await sleep(20)
  }))

test('onEvent is called in the context of its call', () =>
  offline(async (_client, emulator) => {
    const store = new AsyncLocalStorage<string>()
    const keys: Array<string | undefined> = []
    const apiKey = async (): Promise<string> => `key-${keys.push(store.getStore())}`
    const told: Array<[number, string | undefined]> = []
    const calls = new Map<string, number | null>()
    const of = (one: { value?: unknown }): number | null => (one.value as { result: { call: number | null } }).result.call
    const client = store.run('made', () =>
      new Client({ baseUrl: emulator.url, apiKey, onEvent: ({ call }) => told.push([call, store.getStore()]) }))
    const ways: Record<string, () => Promise<number | null>> = {
      plain: async () => (await client.generate(prompt)).call,
      pictures: async () => (await client.edit(prompt, (async function* () { yield (await client.generate(prompt)).image.bytes })())).call,
      chat: async () => (await client.chat().send(prompt)).call,
      copy: async () => (await client.withOptions({ model: 'nano-banana' }).generate(prompt)).call,
      stream: async () => {
        const stream = client.generateStream(prompt)
        let call: number | null = null
        // Who reads may have another context.
        await store.run('reader', async () => {
          for await (const event of stream) if (event.type === 'done') call = event.result.call
        })
        return call
      },
      many: async () => {
        const outcomes = client.generateMany([prompt])
        return store.run('reader', async () => of(await outcomes.next()))
      },
    }
    await Promise.all(Object.entries(ways).map(([name, way]) => store.run(name, async () => calls.set(name, await way()))))
    await until(() => told.length === 2 * (calls.size + 1), 'the events')
    for (const [name, call] of calls) {
      assert.ok(call !== null && call > 0)
      assert.deepEqual(told.filter((one) => one[0] === call), [[call, name], [call, name]], name)
    }
    // The key is asked for in the context, too.
    for (const name of ['plain', 'pictures', 'chat', 'copy']) assert.ok(keys.includes(name), keys.join())
    assert.ok(!keys.includes('made') && !keys.includes(undefined))
  }))

test('a stream that nobody holds goes with the context that holds it', async () => {
  const program = `
    const { AsyncLocalStorage } = require('node:async_hooks')
    const { Client } = require('nanobanana-sdk')
    const store = new AsyncLocalStorage()
    let gone = 0
    const registry = new FinalizationRegistry(() => gone++)
    void (async () => {
      const client = await Client.offline({ onEvent: () => {} })
      for (let number = 0; number < 20; number++) {
        const held = {}
        store.run(held, () => {
          held.stream = client.generateStream('a boat')
          registry.register(held)
        })
      }
      for (let round = 0; round < 500 && gone < 19; round++) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      console.log(gone >= 19)
    })()`
  assert.equal(await node(['--expose-gc', '-e', program]), 'true')
})

test('results and errors have the number of their call', async () => {
  const { events, options } = watched({ retry: false })
  await offline(async (client, emulator) => {
    const { call } = await client.generate(prompt, { n: 3 })
    await until(() => events.length === 6, 'the events')
    assert.deepEqual(new Set(events.map((event) => event.call)), new Set([call]))
    assert.deepEqual(events.map((event) => event.index).sort(), [0, 0, 1, 1, 2, 2])
    emulator.script([{ status: 429 }])
    const error = await client.generate(prompt).then(() => assert.fail(), (error: unknown) => error)
    assert.ok(error instanceof RateLimitError)
    await until(() => events.length === 8, 'the events')
    assert.equal(error.call, events.at(-1)?.call)
    assert.notEqual(error.call, call)
    assert.equal(error.toJSON()['call'], error.call)
    await assert.rejects(client.generate(prompt, { n: 0 }), { call: null })
  }, options)
})

test('an event loop that stands still costs a limited number of events, and says how many are missing', async () => {
  const limit = 4096
  const program = `
    const { Client } = require('nanobanana-sdk')
    const events = []
    // Nobody answers there: the cheapest call that has events.
    const client = new Client({ apiKey: 'k', baseUrl: 'http://127.0.0.1:9', retry: false, onEvent: (event) => events.push(event) })
    void (async () => {
      const calls = ${limit / 2 + 300}
      const made = Array.from({ length: calls }, () => client.generate('a boat').catch(() => {}))
      await new Promise((resolve) => setImmediate(resolve))
      const ends = Date.now() + 6000
      while (Date.now() < ends);
      await Promise.all(made)
      const dropped = () => events.filter(({ name }) => name === 'dropped')
      const missing = () => dropped().reduce((sum, event) => sum + event.dropped, 0)
      const more = () => events.length - dropped().length + missing() - 2 * calls
      for (let round = 0; round < 1000 && more() < 0; round++) await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(dropped().length > 0, more())
      console.log(dropped()[0]?.message)
    })()`
  const [first, second] = (await node(['-e', program])).split('\n')
  assert.equal(first, 'true 0')
  assert.match(second ?? '', /^\d+ events were dropped here: they came faster than they were read$/)
})
