import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  APIConnectionError, BadRequestError, ConfigError, ImageError, InvalidOptionError, NanoBananaError, Outcomes, PermissionDeniedError, Result,
  type Emulator, type Item, type Outcome, type Prompt,
} from 'nanobanana-sdk'
import { node, offline, root, until } from './helpers'

const small = { image: 'png 8x8' }
const hang = { hang: true }
const boats = (count: number): string[] => Array.from({ length: count }, (_, at) => `boat ${at}`)
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'nanobanana-'))

async function all(run: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for await (const outcome of run) outcomes.push(outcome)
  return outcomes
}

const ended = (emulator: Emulator, done = 1): Promise<void> => {
  return until(() => emulator.requests.filter((request) => !request.cancelled).length === done, 'the requests to end')
}

test('outcomes of prompts and objects', () =>
  offline(async (client, emulator) => {
    emulator.script(Array(4).fill(small))
    const { image } = await client.generate('a boat')
    const items = ['one', ['two', image], { prompt: 'three', images: image, options: { aspectRatio: '16:9' }, id: 'third' }]
    const run = client.generateMany(items, { ordered: true, saveTo: await folder(), seed: 7 })
    assert.ok(run instanceof Outcomes)
    const outcomes = await all(run)
    assert.deepEqual(outcomes.map(({ index, id, ok, error }) => [index, id, ok, error]), [[0, null, true, null], [1, null, true, null], [2, 'third', true, null]])
    for (const outcome of outcomes) assert.ok(outcome.ok && outcome.result instanceof Result && outcome.result.image.width === 8)
    assert.deepEqual(outcomes[2]?.files.map((file) => basename(file)), ['third.png'])
    const third = emulator.requests.map(({ json }) => json as { generationConfig: object }).find((json) => JSON.stringify(json).includes('three'))
    assert.deepEqual(third?.generationConfig, { seed: 7, imageConfig: { aspectRatio: '16:9' } })
    assert.deepEqual(await all(run), [])
  }))

test('prompts are taken as there is room for them, from any iterable', () =>
  offline(async (client, emulator) => {
    emulator.script([...Array(3).fill(small), ...Array(10).fill(hang)])
    let taken = 0
    function* endless(): Generator<string> {
      for (;;) yield `boat ${taken++}`
    }
    const run = client.generateMany(endless(), { concurrency: 2 })
    for (let more = 0; more < 3; more++) assert.ok((await run.next()).value?.ok)
    await run.close()
    assert.ok(taken >= 3 && taken <= 7, `${taken}`)
    await ended(emulator, 3)
    emulator.script([])
    for (const prompts of [new Set(['one', 'two']), Readable.from(['one', 'two']), new Map([['a', 'one'], ['b', 'two']]).values()]) {
      assert.equal((await all(client.generateMany(prompts))).filter(({ ok }) => ok).length, 2)
    }
  }))

test('outcomes come while a prompt is waited for', () =>
  offline(async (client) => {
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    async function* slow(): AsyncGenerator<Prompt | Item> {
      yield 'one'
      yield { prompt: 'two', id: 'second' }
      await gate
      yield 'three'
    }
    const seen: Array<string | number> = []
    for await (const { id, index } of client.generateMany(slow(), { ordered: true })) {
      seen.push(id ?? index)
      if (seen.length === 2) open()
    }
    assert.deepEqual(seen, [0, 'second', 2])
  }))

test('wrong items are outcomes', () =>
  offline(async (client, emulator) => {
    const items = [
      { promt: 'a boat', id: 'misspelt' },
      { prompt: 'a boat', aspectRatio: '1:1' },
      { prompt: 'a boat', options: { aspectRation: '1:1' }, id: 'mistaken' },
      { prompt: 'a boat', images: [Symbol('x')] },
      { prompt: 'a boat', images: 'no-such-file.png' },
      { prompt: 'a boat', id: [5] },
      7,
      null,
      { prompt: 'a boat', id: 8 },
      { prompt: 'a boat', images: [Symbol('x')], id: 9 },
      { prompt: 'a boat', id: NaN },
    ] as unknown as Item[]
    const outcomes = await all(client.generateMany(items, { ordered: true }))
    assert.deepEqual(outcomes.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const errors = outcomes.map(({ error }) => error)
    assert.match(errors[0]?.message ?? '', /Did you mean `prompt`\?/)
    assert.match(errors[1]?.message ?? '', /into `options`/)
    assert.match(errors[2]?.message ?? '', /Did you mean `aspectRatio`\?/)
    for (const at of [3, 4]) assert.ok(errors[at] instanceof ImageError)
    for (const at of [0, 1, 2, 5, 6, 7]) assert.ok(errors[at] instanceof InvalidOptionError, `${at}: ${errors[at]}`)
    assert.deepEqual(outcomes.map(({ id }) => id), ['misspelt', null, 'mistaken', null, null, null, null, null, '8', '9', null])
    assert.equal(emulator.requests.length, 1)
  }))

test('an item that is no valid text is a failed outcome, and no others', () =>
  offline(async (client, emulator) => {
    const half = '\ud800'
    const wrong: [Prompt | Item, string | null][] = [
      [half, null],
      [{ prompt: 'x', id: half }, '\ufffd'],
      [{ prompt: half, id: 'fine' }, 'fine'],
      [{ prompt: 'x', images: `no-such-${half}.png`, id: `a${half}b` }, 'a\ufffdb'],
      [{ prompt: 'x', options: { system: half } }, null],
      [{ prompt: 'x', options: { extra: { a: [half] } } }, null],
      [{ prompt: 'x', [half]: 1 } as unknown as Item, null],
    ]
    emulator.script(Array(40).fill(small))
    for (const [item, id] of wrong) {
      const before = emulator.requests.length
      const outcomes = await all(client.generateMany(['a', item, 'b\ufffd\u{1f34c}'], { ordered: true, journal: join(await folder(), 'j') }))
      assert.deepEqual(outcomes.map(({ ok }) => ok), [true, false, true], JSON.stringify(item))
      assert.equal(emulator.requests.length - before, 2)
      assert.ok(outcomes[1]?.error instanceof NanoBananaError)
      assert.equal(outcomes[1]?.id, id)
    }
    await assert.rejects(client.generate(half), InvalidOptionError)
  }))

test('one prompt is not many, and options are checked', () =>
  offline(async (client, emulator) => {
    for (const wrong of ['a boat', { prompt: 'a boat' }, null, 5]) assert.throws(() => client.generateMany(wrong as never), InvalidOptionError)
    for (const options of [{ concurency: 3 }, { concurrency: 0 }, { aspectRation: '1:1' }, { journal: '' }]) {
      const name = new RegExp(Object.keys(options)[0] as string)
      await assert.rejects(all(client.generateMany(['a boat'], options as object)), (error) => error instanceof InvalidOptionError && name.test(error.message))
    }
    await assert.rejects(all(client.generateMany(['a boat'], { signal: 5 as never })), InvalidOptionError)
    assert.equal(emulator.requests.length, 0)
  }))

test('what the prompts throw comes last, and so does what would fail every item', () =>
  offline(async (client, emulator) => {
    const run = async (prompts: Iterable<string>, options = {}): Promise<{ seen: boolean[]; thrown: unknown }> => {
      const seen: boolean[] = []
      try {
        for await (const { ok } of client.generateMany(prompts, options)) seen.push(ok)
      } catch (thrown) {
        return { seen, thrown }
      }
      throw new Error('nothing was thrown')
    }
    emulator.script(Array(2).fill({ ...small, delay: 0.2 }))
    const mine = new Error('mine')
    function* broken(): Generator<string> {
      yield* boats(2)
      throw mine
    }
    assert.deepEqual(await run(broken()), { seen: [true, true], thrown: mine })
    const denied = { status: 403, json: { error: { code: 403, status: 'PERMISSION_DENIED', message: 'no' } } }
    // The refusal comes when both are under way, and long before the other answer.
    emulator.script([{ ...denied, delay: 1 }, { ...small, delay: 3 }])
    const all = await run(boats(9), { concurrency: 2 })
    assert.deepEqual(all.seen, [true])
    assert.ok(all.thrown instanceof PermissionDeniedError)
    const refused = { status: 400, json: { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'no' } } }
    emulator.script(Array(9).fill(refused))
    const some = await run(boats(9), { concurrency: 1, stopAfterErrors: 3 })
    assert.deepEqual(some.seen, [false, false, false])
    assert.ok(some.thrown instanceof NanoBananaError && /stopAfterErrors/.test(some.thrown.message), `${some.thrown}`)
    assert.ok(some.thrown.cause instanceof Error)
  }, { retry: false }))

const leave = {
  'break': async (run) => {
    for await (const _ of run) break
  },
  'an exception': async (run) => {
    const loop = async (): Promise<void> => {
      for await (const _ of run) throw new Error('mine')
    }
    await assert.rejects(loop(), /mine/)
  },
  'close': async (run) => {
    await run.next()
    const waiting = run.next()
    await run.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
  },
  '`await using`': async (run) => {
    await run.next()
    await run[Symbol.asyncDispose]()
  },
} satisfies Record<string, (run: Outcomes) => Promise<void>>

for (const [name, act] of Object.entries(leave)) {
  test(`${name} ends what is under way, and frees the journal`, () =>
    offline(async (client, emulator) => {
      emulator.script([small, ...Array(9).fill(hang)])
      const journal = join(await folder(), 'run.jsonl')
      const run = client.generateMany(boats(4), { journal })
      await act(run)
      await ended(emulator)
      assert.deepEqual(await run.next(), { done: true, value: undefined })
      emulator.script(Array(9).fill(small))
      const again = await all(client.generateMany(boats(4), { journal }))
      assert.deepEqual(again.map(({ index }) => index).sort(), [0, 1, 2, 3])
      assert.equal(again.filter(({ cached }) => cached).length, 1)
    }))
}

test('an abort ends what is under way, also while a prompt is waited for', () =>
  offline(async (client, emulator) => {
    emulator.script([small, ...Array(9).fill(hang)])
    async function* slow(): AsyncGenerator<string> {
      yield* boats(3)
      await sleep(60_000, undefined, { ref: false })
    }
    const controller = new AbortController()
    const run = client.generateMany(slow(), { signal: controller.signal })
    assert.ok((await run.next()).value?.ok)
    const waiting = run.next()
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    await ended(emulator)
    assert.deepEqual(await run.next(), { done: true, value: undefined })
    await assert.rejects(all(client.generateMany(boats(2), { signal: AbortSignal.abort(reason) })), (error) => error === reason)
  }))

test('a run that nobody holds ends', () =>
  offline(async (_client, emulator) => {
    // The second request to come is answered: there are two when the first outcome is here.
    emulator.script([hang, small, ...Array(8).fill(hang)])
    const program = `
      const { Client } = require('nanobanana-sdk')
      const client = new Client({ baseUrl: '${emulator.url}', apiKey: 'k' })
      const one = async () => (await client.generateMany(['a', 'b', 'c'], { concurrency: 2 }).next()).value.ok
      void (async () => {
        console.log(await one())
        let isOver = false
        process.stdin.once('data', () => (isOver = true))
        while (!isOver) {
          gc()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        console.log('over')
        process.exit()
      })()`
    const child = spawn(process.execPath, ['--expose-gc', '-e', program], { cwd: root, stdio: 'pipe' })
    let [out, err] = ['', '']
    child.stdout.on('data', (piece) => (out += piece))
    child.stderr.on('data', (piece) => (err += piece))
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
    try {
      await until(() => out.includes('\n') && emulator.requests.length >= 2, 'the first outcome')
      // The process lives on: the requests end with the run.
      await ended(emulator)
      child.stdin.write('end\n')
      assert.deepEqual([await closed, out, err], [0, 'true\nover\n', ''])
    } finally {
      child.kill()
    }
  }))

test('an open run does not keep the process alive', async () => {
  const program = `
    const { Client, Emulator } = require('nanobanana-sdk')
    void (async () => {
      const emulator = await Emulator.start()
      emulator.script([{ image: 'png 8x8' }, { hang: true }])
      const client = new Client({ apiKey: 'k', baseUrl: emulator.url })
      globalThis.run = client.generateMany(['a', 'b'])
      console.log((await run.next()).value.ok)
      process.exitCode = 0
    })()`
  assert.equal(await node(['-e', program]), 'true')
})

test('a key is asked for at each item, and a client that is closed ends its runs', async () => {
  let keys = 0
  await offline(async (client, emulator) => {
    assert.ok((await all(client.generateMany(boats(3)))).every(({ ok }) => ok))
    assert.equal(keys, 3)
    emulator.script(Array(3).fill(hang))
    const seen: unknown[] = []
    const before = emulator.requests.length
    const closing = until(() => emulator.requests.length === before + 2, 'two requests').then(() => client.close())
    const loop = async (): Promise<void> => {
      for await (const { error } of client.generateMany(boats(3), { concurrency: 2 })) seen.push(error?.constructor)
    }
    await assert.rejects(loop(), ConfigError)
    await closing
    assert.deepEqual(seen, [APIConnectionError, APIConnectionError])
  }, { apiKey: () => `key-${keys++}` })
  const vault = new Error('the vault is shut')
  await offline(async (client) => {
    await assert.rejects(all(client.generateMany(boats(3))), (error) => error === vault)
  }, { apiKey: () => Promise.reject(vault) })
})

test('progress shows nothing in a pipe', async () => {
  const program = `
    const { Client } = require('nanobanana-sdk')
    void (async () => {
      const client = await Client.offline({ model: 'nano-banana' })
      for await (const { ok } of client.generateMany(['a', 'b'], { progress: true })) console.log(ok)
    })()`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], { cwd: root, timeout: 120_000 })
  assert.deepEqual([stdout, stderr], ['true\ntrue\n', ''])
})

test('progress is a line in a terminal', { skip: process.platform !== 'linux' }, async () => {
  const program = `
    const { Client } = require('nanobanana-sdk')
    void (async () => {
      const client = await Client.offline({ model: 'nano-banana' })
      for await (const { ok } of client.generateMany(['a', 'b'], { progress: true }));
    })()`
  // Python is at hand where this is built, and knows how to make a terminal.
  const terminal = 'import pty, sys; pty.spawn(sys.argv[1:])'
  const { stdout } = await promisify(execFile)('python3', ['-c', terminal, process.execPath, '-e', program], { cwd: root, timeout: 120_000 })
  assert.equal(stdout.split('\n').length, 2)
  assert.match(stdout.trimEnd().split('\r').at(-1) ?? '', /█.*2\/2/)
})

test('an error of an item that failed is of its class', () =>
  offline(async (client, emulator) => {
    emulator.script([{ status: 400, json: { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'no' } } }])
    const [outcome] = await all(client.generateMany(['a']))
    assert.ok(outcome && !outcome.ok && outcome.error instanceof BadRequestError && outcome.result === null)
  }))
