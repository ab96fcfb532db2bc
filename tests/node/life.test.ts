// The life of a client: threads, processes, closing, collection, and the end of the process.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as nb from 'nanobanana-sdk'
import { offline, root, until } from './helpers'

const hang = (count: number) => Array.from({ length: count }, () => ({ hang: true }))
const linux = { skip: process.platform !== 'linux' && 'reads /proc' }

interface Ended { code: number | null; out: string; err: string; took: number }

/**
 * Runs a program that is CommonJS; every warning of Node is printed with its trace. `url` is its first argument.
 * Its input ends after `meanwhile`, which begins at its first words.
 */
async function run(
  program: string,
  args: string[],
  flags: string[] = [],
  seconds = 60,
  meanwhile = async () => {},
  arrived?: () => boolean,
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  const file = join(folder, 'program.cjs')
  // Written elsewhere, it finds the package by its path.
  const start = `const nb = require(${JSON.stringify(join(root, 'bindings-node', 'dist', 'index.js'))})\nconst [url, ...others] = process.argv.slice(2)\n` + `
    // Calls this when its requests have arrived, which the server knows.
    const whenArrived = (act) => {
      const clock = setInterval(() => {
        if (!require('node:fs').existsSync(${JSON.stringify(join(folder, 'arrived'))})) return
        clearInterval(clock)
        act()
      }, 10)
    }
  `
  await writeFile(file, start + program)
  const started = performance.now()
  const env = { ...process.env, NODE_OPTIONS: '' }
  const child = spawn(process.execPath, ['--trace-warnings', ...flags, file, ...args], { env, stdio: 'pipe' })
  let [out, err] = ['', '']
  child.stdout.on('data', (piece) => (out += piece))
  child.stderr.on('data', (piece) => (err += piece))
  const done = new Promise((resolve) => child.stdout.once('data', resolve)).then(meanwhile).finally(() => child.stdin.end())
  done.catch(() => {})
  const late = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
  const look = setInterval(() => {
    if (!arrived?.()) return
    clearInterval(look)
    writeFileSync(join(folder, 'arrived'), '')
  }, 5)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(late)
  clearInterval(look)
  if (out) await done
  return { code, out: out.trim(), err, took: performance.now() - started }
}

const arrived = (emulator: nb.Emulator, count: number) => () => emulator.requests.length === count
const allCancelled = (emulator: nb.Emulator, count: number) => () =>
  emulator.requests.length === count && emulator.requests.every(({ cancelled }) => cancelled)

// One client, many calls.

test('a hundred calls at once each get their own answer', () =>
  offline(async (client, emulator) => {
    const numbers = Array.from({ length: 100 }, (_, i) => i)
    emulator.script(numbers.map((i) => ({ match: { prompt: `boat ${i}.` }, image: `png ${i + 1}x3`, delay: 0.02 })))
    const results = await Promise.all(numbers.map((i) => client.generate(`boat ${i}.`)))
    assert.deepEqual(results.map(({ image }) => image.width), numbers.map((i) => i + 1))
  }))

test('copies share connections and close on their own', () =>
  offline(async (client) => {
    const copies = ['nano-banana', 'nano-banana-pro'].map((model) => client.withOptions({ model }))
    assert.equal((await copies[1]!.generate('a boat')).model, 'gemini-3-pro-image')
    await copies[0]!.close()
    await assert.rejects(copies[0]!.generate('a boat'), nb.ConfigError)
    assert.ok((await copies[1]!.generate('a boat')).image)
    assert.ok((await client.generate('a boat')).image)
  }))

test('calls and streams on one signal warn of nothing and leave no listener', async () => {
  await offline(async (_client, emulator) => {
    emulator.script([{ match: { prompt: 'for ever' }, hang: true, times: 'always' }])
    const program = `
      const { getEventListeners } = require('node:events')
      void (async () => {
        const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
        const controller = new AbortController()
        const { signal } = controller
        const calls = Array.from({ length: 100 }, () => client.generate('for ever', { signal }))
        const streams = Array.from({ length: 30 }, () => client.generateStream('for ever', { signal }))
        const events = streams.map((stream) => stream.next())
        whenArrived(() => controller.abort('enough'))
        const ended = await Promise.allSettled([...calls, ...events])
        const other = new AbortController()
        await Promise.all(Array.from({ length: 20 }, () => client.generate('a boat', { signal: other.signal })))
        console.log(
          ended.filter(({ reason }) => reason === 'enough').length,
          getEventListeners(signal, 'abort').length,
          getEventListeners(other.signal, 'abort').length,
        )
      })()`
    const { code, out, err } = await run(program, [emulator.url], [], 60, undefined, arrived(emulator, 130))
    assert.deepEqual([code, out, err], [0, '130 0 0', ''])
    await until(() => emulator.requests.slice(0, 130).every(({ cancelled }) => cancelled), 'the requests to end')
  })
})

// Threads and processes.

test('worker threads have a client each, and errors and results cross as JSON', () =>
  offline(async (_client, emulator) => {
    emulator.script(Array.from({ length: 4 }, () => ({ match: { prompt: 'refused' }, status: 429, headers: { 'retry-after': '7' } })))
    const program = `
      const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
      if (isMainThread) {
        const workers = [0, 1, 2, 3].map((number) => new Promise((resolve, reject) => {
          const worker = new Worker(__filename, { argv: [url], workerData: number })
          worker.once('message', resolve)
          worker.once('error', reject)
        }))
        void Promise.all(workers).then((told) => {
          const errors = told.map(({ error }) => nb.NanoBananaError.fromJSON(error))
          console.log(errors.every((error) => error instanceof nb.RateLimitError && error.retryAfter === 7))
          console.log(told.map(({ result, bytes }) => result.images[0].width === 1024 && bytes.length === result.images[0].bytes).join())
        })
      } else {
        const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false, model: 'nano-banana' })
        void (async () => {
          const results = await Promise.all([1, 2, 3].map((n) => client.generate('boat ' + n)))
          const error = await client.generate('refused').catch((error) => error.toJSON())
          parentPort.postMessage({ error, result: results[0].toJSON(), bytes: Uint8Array.from(results[0].image.bytes) })
        })()
      }`
    const { code, out, err } = await run(program, [emulator.url])
    assert.deepEqual([code, out, err], [0, 'true\ntrue,true,true,true', ''])
    assert.equal(emulator.requests.length, 16)
    assert.ok(emulator.requests.every(({ cancelled }) => !cancelled))
  }))

for (const way of ['process.exit(5)', "throw new Error('mine')", 'self.terminate()']) {
  test(`a worker thread that ends by ${way} leaves no request behind`, () =>
    offline(async (_client, emulator) => {
      emulator.script(hang(4))
      const program = `
        const { Worker, isMainThread, parentPort } = require('node:worker_threads')
        if (isMainThread) {
          const worker = new Worker(__filename, { argv: [url] })
          worker.on('message', () => worker.terminate())
          worker.on('error', () => {})
          worker.once('exit', (code) => {
            console.log('exit', code)
            process.stdin.resume()
          })
        } else {
          const self = { terminate: () => parentPort.postMessage('end me') }
          const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
          for (const _ of [1, 2, 3]) client.generate('a boat').catch(() => {})
          client.generateStream('a boat').next().catch(() => {})
          whenArrived(() => { ${way} })
        }`
      // The requests end with their thread, not with the process.
      const { code, out, err } = await run(
        program, [emulator.url], [], 60, () => until(allCancelled(emulator, 4), 'the requests to end'), arrived(emulator, 4),
      )
      assert.deepEqual([code, out, err], [0, `exit ${way.includes('5') ? 5 : 1}`, ''])
    }))
}

test('workers of a cluster and forked processes have clients of their own', () =>
  offline(async (_client, emulator) => {
    const program = `
      const cluster = require('node:cluster')
      const { fork } = require('node:child_process')
      const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false, model: 'nano-banana' })
      const draw = async () => (await client.generate('a boat')).toJSON()
      if (cluster.isPrimary && !others.length) {
        void (async () => {
          await draw()
          cluster.setupPrimary({ args: [url] })
          const children = [cluster.fork(), cluster.fork(), fork(__filename, [url, 'forked'])]
          const once = (event) => Promise.all(children.map((child) => new Promise((resolve) => child.once(event, resolve))))
          const [results, codes] = await Promise.all([once('message'), once('exit')])
          console.log(results.map(({ images }) => images[0].width).join(), codes.join(), (await draw()).images.length)
        })()
      } else void draw().then((result) => process.send(result, () => process.disconnect()))`
    const { code, out, err } = await run(program, [emulator.url])
    assert.deepEqual([code, out, err], [0, '1024,1024,1024 0,0,0 1', ''])
    assert.equal(emulator.requests.length, 5)
  }))

// Closing during a call.

function isClosed(error: unknown): void {
  assert.ok(error instanceof nb.APIConnectionError && error.constructor === nb.APIConnectionError, String(error))
  assert.match(error.message, /closed/)
  assert.deepEqual([error.billed, error.retryable], ['unknown', false])
}

for (const retry of [false, undefined]) {
  test(`close ends the calls in flight${retry === undefined ? ', with retries' : ''}`, () =>
    offline(async (client, emulator) => {
      emulator.script(hang(4))
      const calls = [1, 2, 3].map(() => client.generate('a boat'))
      const ended = Promise.allSettled([...calls, client.generateStream('a boat').next()])
      await until(() => emulator.requests.length === 4, 'four requests')
      const closed = performance.now()
      await client.close()
      for (const outcome of await ended) isClosed(outcome.status === 'rejected' && outcome.reason)
      assert.ok(performance.now() - closed < 10_000)
      await until(allCancelled(emulator, 4), 'the requests to end')
    }, { timeout: 60_000, retry }))
}

test('close ends a wait between two attempts', () => {
  const told: string[] = []
  return offline(async (client, emulator) => {
    emulator.script([1, 2].map(() => ({ status: 503, headers: { 'retry-after': '40' } })))
    const call = client.generate('a boat')
    const ended = call.catch((error) => error)
    await until(() => told.includes('retry'), 'the wait')
    const closed = performance.now()
    await client.close()
    assert.ok((await ended) instanceof nb.APIConnectionError)
    assert.ok(performance.now() - closed < 10_000)
    assert.equal(emulator.requests.length, 1)
  }, { timeout: 90_000, onEvent: ({ name }) => told.push(name) })
})

test('closing twice and at once is no drama', () =>
  offline(async (client) => {
    await Promise.all(Array.from({ length: 16 }, () => client.close()))
    await assert.rejects(client.generate('a boat'), nb.ConfigError)
    assert.ok((await client.models()).length)
  }))

// The end of the process.

const ENDS: Record<string, { program: string; code: number; silent?: boolean }> = {
  'process.exit during calls': { program: "whenArrived(() => process.exit(7))", code: 7 },
  'process.exitCode and an abort': {
    program: 'process.exitCode = 4; whenArrived(() => controller.abort())',
    code: 4,
  },
  'an exception that nobody catches': { program: "whenArrived(() => { throw new Error('mine') })", code: 1, silent: true },
  'process.exit in a listener of exit': { program: "process.on('exit', () => process.exit(6)); whenArrived(() => process.exit(7))", code: 6 },
}

for (const [name, { program, code, silent }] of Object.entries(ENDS)) {
  test(`the process ends by ${name}`, () =>
    offline(async (_client, emulator) => {
      emulator.script(hang(6))
      const start = `
        const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
        const controller = new AbortController()
        const { signal } = controller
        for (const _ of [1, 2, 3, 4]) client.generate('a boat', { signal }).catch(() => {})
        client.generateStream('a boat', { signal }).next().catch(() => {})
        client.chat().send('a boat', { signal }).catch(() => {})
        `
      const ended = await run(start + program, [emulator.url], [], 60, undefined, arrived(emulator, 6))
      assert.equal(ended.code, code)
      if (!silent) assert.equal(ended.err, '')
      assert.ok(ended.took < 30_000, `${ended.took} ms`)
      await until(allCancelled(emulator, 6), 'the requests to end')
    }))
}

test('a process waits for its calls, and for nothing else', () =>
  offline(async (_client, emulator) => {
    emulator.script([{ delay: 0.5, image: 'png 8x8' }, { text: 'half', image: 'png 8x8', event_pause: 600 }])
    const program = `
      const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
      void (async () => {
        await client.generate('a boat').then(({ image }) => console.log(image.width))
        globalThis.kept = [client, client.withOptions({ model: 'nano-banana' }), client.chat(), client.generateStream('never read')]
        globalThis.stream = client.generateStream('a boat')
        console.log((await stream.next()).value.type)
        // It is half read and its connection open, but nobody waits.
      })()`
    const { code, out, err, took } = await run(program, [emulator.url])
    assert.deepEqual([code, out, err], [0, '8\ntext', ''])
    assert.ok(took < 30_000, `${took} ms`)
  }))

// Collection.

test('thousands are made and dropped', linux, () =>
  offline(async (_client, emulator) => {
    emulator.script(Array.from({ length: 3000 }, () => ({ image: 'png 8x8' })))
    const program = `
      const { readdirSync } = require('node:fs')
      const rest = () => new Promise((resolve) => setTimeout(resolve, 50))
      async function state() {
        for (let i = 0; i < 6; i++) { globalThis.gc(); await rest() }
        // Without the room that V8 keeps for later: it grows in steps of 16 MB.
        const { rss, heapTotal, heapUsed } = process.memoryUsage()
        const resident = (rss - heapTotal + heapUsed) / 1e6
        return { threads: readdirSync('/proc/self/task').length, files: readdirSync('/proc/self/fd').length, resident }
      }
      const signal = new AbortController().signal
      async function all() {
        for (let i = 0; i < 5000; i++) {
          const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
          if (i % 2) client.withOptions({ timeout: 1000 + i })
          if (i % 3) client.generateStream('a boat', { signal: i % 6 ? signal : undefined })
          client.chat().branch()
          if (i % 500 === 0) await rest()
        }
        for (let i = 0; i < 100; i++) {
          const client = new nb.Client({ baseUrl: url, apiKey: 'k', retry: false })
          await Promise.all([1, 2, 3].map(() => client.generate('a boat', { signal })))
        }
      }
      void (async () => {
        // Memory is at its level after the second round, and stays there.
        await all()
        await all()
        const before = await state()
        await all()
        let after = await state()
        for (let i = 0; i < 10 && after.files > before.files; i++) after = await state()
        const { getEventListeners } = require('node:events')
        console.log(JSON.stringify({
          threads: after.threads - before.threads, files: after.files - before.files,
          resident: after.resident - before.resident, listeners: getEventListeners(signal, 'abort').length,
        }))
      })()`
    const { code, out, err } = await run(program, [emulator.url], ['--expose-gc'], 240)
    assert.deepEqual([code, err], [0, ''])
    const grown = JSON.parse(out) as { threads: number; files: number; resident: number; listeners: number }
    assert.ok(grown.threads <= 0 && grown.files <= 0 && grown.resident < 15 && grown.listeners <= 1, out)
  }))

test('what a call held is let go', linux, () =>
  offline(async (_client, emulator) => {
    const hangs = { match: { prompt: 'for ever' }, hang: true, times: 'always' } as const
    emulator.script([hangs, { status: 429 }, { text: 'words' }, { text: 'half', image: 'png 8x8', event_pause: 60 }])
    const program = `
      const gone = new Set()
      const registry = new FinalizationRegistry((name) => gone.add(name))
      const held = (name, thing) => (registry.register(thing, name), thing)
      const signal = new AbortController().signal
      async function make() {
        const client = held('client', new nb.Client({ baseUrl: url, apiKey: async () => 'k', retry: false }))
        for (const name of ['limited', 'words']) held(name, await client.generate('a boat', { signal }).catch((error) => error))
        await client.generate('for ever', { timeout: 100 }).catch((error) => held('late', error))
        const stream = held('stream', client.generateStream('a boat', { signal }))
        held('event', (await stream.next()).value)
        held('result', await client.generate('a boat', { signal, model: 'nano-banana' }))
        held('chat', client.chat())
      }
      void (async () => {
        await make()
        for (let i = 0; i < 800 && gone.size < 8; i++) {
          globalThis.gc()
          await new Promise((resolve) => setTimeout(resolve, 25))
        }
        console.log([...gone].sort().join())
      })()`
    const { code, out, err } = await run(program, [emulator.url], ['--expose-gc'])
    assert.deepEqual([code, out, err], [0, 'chat,client,event,late,limited,result,stream,words', ''])
    await until(() => emulator.requests.at(-2)?.cancelled === true, 'the half read stream to end')
  }))

test('an abort signal that is kept keeps no client', () =>
  offline(async (client) => {
    const { signal } = new AbortController()
    await client.generate('a boat', { signal })
    for await (const _event of client.generateStream('a boat', { signal })) break
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  }))
