// Every fault of tests/faults.json by every kind of call.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { APIError, Client, Emulator, NanoBananaError, NoImageError } from 'nanobanana-sdk'
import type { ClientOptions, Event, EventStream, Result } from 'nanobanana-sdk'
import { root } from './helpers'

type Json = null | boolean | number | string | Json[] | Fields
type Fields = { [key: string]: Json }

interface Kind {
  id: string
  group: string
  calls?: number
}

interface Fault {
  id: string
  client?: Fields
  emulator?: { tls?: boolean }
  trusts?: boolean
  server?: Fields[]
  expect: Fields
  for?: Record<string, Partial<Fault>>
}

/** One fault by one kind of call. */
interface Cell {
  id: string
  kind: Kind
  fault: Fault
}

/** What came of a call. */
interface Came {
  result?: Result | undefined
  error?: NanoBananaError
  events: Event[]
  turns?: number | undefined
}

const tests = join(root, 'tests')
const file = JSON.parse(readFileSync(join(tests, 'faults.json'), 'utf8')) as {
  kinds: Kind[]
  client: Fields
  sections: Array<{ faults: Fault[] }>
}
const picture = join(tests, 'media', 'dot.png')

const SIDE_BY_SIDE = 24
/** Seconds that a call may take if nothing else is said. */
const MOST = 15
/** A cell that is not over by then, in milliseconds, hangs. */
const LONGEST = 60_000
/** That of a call's first request: those of a call with several are told apart by it. */
const SEED = 7

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const DURATIONS = ['timeout', 'total', 'connect', 'idle', 'initial', 'max_wait']

/** Options as JavaScript has them: in its spelling, durations in milliseconds. */
function options(given: Fields): Fields {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (typeof value === 'number' && DURATIONS.includes(name)) value *= 1000
      return [camel(name), isMap(value) ? options(value) : value]
    }),
  )
}

/** The fault as it is for this kind: an expectation with another end is another one, others add to it. */
function differing(fault: Fault, kind: Kind): Fault {
  const whole = { ...fault }
  for (const name of [kind.group, kind.id]) {
    const { expect, ...rest } = fault.for?.[name] ?? {}
    Object.assign(whole, rest)
    if (expect) whole.expect = 'end' in expect ? expect : { ...whole.expect, ...expect }
  }
  return whole
}

const cells: Cell[] = file.sections
  .flatMap((section) => section.faults)
  .flatMap((fault) => file.kinds.map((kind) => ({ id: `${fault.id}/${kind.id}`, kind, fault: differing(fault, kind) })))
  .filter((cell) => cell.id.includes(process.env.FAULT ?? ''))

/** All that a cell is held against: what is not written has a value, too. */
function expected({ kind, fault: { expect } }: Cell): Fields {
  const isResult = expect.end === 'result'
  const requests = expect.requests ?? 1
  const plain = { requests, attempts: requests, lost: 0, paid: 0, partial: false, pictures: isResult ? 1 : null }
  const whole: Fields = { ...plain, ...expect }
  // An error is that of the first request; of a result the counts are of all of them.
  const counts = isResult ? ['requests', 'attempts', 'lost', 'paid', 'pictures'] : ['requests']
  for (const name of counts) whole[name] = Number(whole[name]) * (kind.calls ?? 1)
  return whole
}

/** Each request of a call meets the fault, and after it gets a picture. */
function script({ kind: { calls = 1 }, fault: { server = [] } }: Cell): Fields[] {
  const seeds = Array.from({ length: calls }, (_, at) => SEED + at)
  const steps = calls > 1 ? seeds.flatMap((seed) => server.map((step) => ({ ...step, match: { seed } }))) : server
  return [...steps, { image: 'png 8x8', times: 99 }]
}

function connect({ fault }: Cell, emulator: Emulator): Client {
  const given: Fields = { api_key: 'test-key-0123', base_url: emulator.url, ...file.client }
  if (emulator.caBundle && fault.trusts !== false) given.ca_bundle = emulator.caBundle
  Object.assign(given, fault.client)
  if (isMap(given.base_url)) given.base_url = emulator.url.replace('http:', `${String(given.base_url.scheme)}:`)
  return new Client(options(given) as ClientOptions)
}

async function call(client: Client, kind: string): Promise<Came> {
  const chat = kind.startsWith('chat_') ? client.chat() : undefined
  const came: Came = { events: [] }
  const given = { seed: SEED }
  const read = async (stream: EventStream): Promise<Result | undefined> => {
    for await (const event of stream) came.events.push(event)
    const last = came.events.at(-1)
    return last?.type === 'done' ? last.result : undefined
  }
  const kinds: Record<string, () => Promise<Result | undefined> | undefined> = {
    generate: () => client.generate('a boat', given),
    edit: () => client.edit('at night', [picture], given),
    n: () => client.generate('a boat', { ...given, n: 2 }),
    generate_stream: () => read(client.generateStream('a boat', given)),
    edit_stream: () => read(client.editStream('at night', [picture], given)),
    chat_send: () => chat?.send('a boat', given),
    chat_send_stream: () => chat && read(chat.sendStream('a boat', given)),
  }
  const make = kinds[kind]
  assert.ok(make, `there is no call kind ${kind}`)
  try {
    came.result = await make()
  } catch (error) {
    if (!(error instanceof NanoBananaError)) throw error
    came.error = error
  }
  came.turns = chat?.history.length
  return came
}

function facts({ result, error }: Came, requests: number, took: number): Fields {
  if (result) {
    const said = (what: string): number => result.warnings.filter((warning) => warning.includes(what)).length
    return {
      requests,
      took,
      end: 'result',
      pictures: result.images.length,
      attempts: result.attempts.length,
      lost: said('was lost ('),
      paid: said('answered without a picture, and billed'),
      partial: false,
    }
  }
  assert.ok(error instanceof APIError, `${error}`)
  const fields = error as APIError & Record<string, Json>
  const names = ['billed', 'retryable', 'permanent', 'status', 'code', 'stage', 'reason', 'retry_after', 'message']
  assert.equal(error.name, error.constructor.name)
  return {
    ...Object.fromEntries(names.map((name) => [name, fields[camel(name)] ?? null])),
    requests,
    took,
    end: error.name,
    pictures: null,
    attempts: error.attempts.length,
    lost: 0,
    paid: 0,
    partial: Boolean(error.partial),
    partial_pictures: error.partial?.images.length ?? null,
  }
}

/** What holds for every call, whatever the fault. */
function checkAlways(cell: Cell, { result, error, events, turns }: Came): void {
  const attempts = result?.attempts ?? (error instanceof APIError ? error.attempts : [])
  const successes = attempts.filter((attempt) => !attempt.reason).length
  assert.equal(successes, result ? (cell.kind.calls ?? 1) : 0, 'attempts that succeeded')
  // A model that answered without a picture was asked all the same.
  if (turns !== undefined) assert.equal(turns, result ? 2 : error instanceof NoImageError ? 1 : 0, 'turns')
  if (cell.kind.group === 'stream' && error instanceof APIError) {
    // What a stream had handed out is what it says to have had.
    const words = events.map((event) => (event.type === 'text' ? event.text : '')).join('')
    const shown = events.flatMap((event) => (event.type === 'image' ? [event.image.bytes] : []))
    assert.equal(error.partial?.text ?? '', words)
    assert.deepEqual(error.partial?.images.map((image) => image.bytes) ?? [], shown)
  }
}

/** Where what came differs from what is expected. */
function differs(wanted: Fields, got: Fields): string | undefined {
  const holds = ([name, value]: [string, Json]): boolean => {
    if (name === 'exit') return true // The command's own, held by the runner in Rust.
    if (name === 'least') return Number(got.took) >= Number(value)
    if (name === 'most') return Number(got.took) <= Number(value)
    if (name === 'says') return String(got.message).includes(String(value))
    return got[name] === value
  }
  const wrong = Object.entries(wanted).find((entry) => !holds(entry))
  if (wrong) return `${wrong[0]} should be ${JSON.stringify(wrong[1])}`
  return Number(got.took) > MOST ? `it took ${String(got.took)} s` : undefined
}

/** An expectation that what came does not meet. */
function otherwise(name: string, wanted: Json): Json {
  if (typeof wanted === 'boolean') return !wanted
  if (typeof wanted === 'number') return wanted + (name === 'most' ? -1000 : name === 'least' ? 1000 : 1)
  return `${String(wanted)}, but not so`
}

async function run(cell: Cell): Promise<string | undefined> {
  const emulator = await Emulator.start(cell.fault.emulator ?? {})
  let clock: NodeJS.Timeout | undefined
  try {
    emulator.script(script(cell))
    const client = connect(cell, emulator)
    const started = performance.now()
    const hangs = new Promise<never>((_, reject) => {
      clock = setTimeout(() => reject(new Error('it hangs')), LONGEST)
    })
    const came = await Promise.race([call(client, cell.kind.id), hangs])
    const got = facts(came, emulator.requests.length, (performance.now() - started) / 1000)
    checkAlways(cell, came)
    const wanted = expected(cell)
    const problem = differs(wanted, got)
    if (problem) return `${cell.id}: ${problem}\n    ${JSON.stringify(got)}`
    for (const [name, value] of Object.entries(wanted)) {
      const other = { ...wanted, [name]: otherwise(name, value) }
      if (name !== 'exit' && !differs(other, got)) return `${cell.id}: ${name} is not looked at`
    }
    return undefined
  } catch (error) {
    return `${cell.id}: ${String(error)}`
  } finally {
    clearTimeout(clock)
    await emulator.close()
  }
}

test('every fault ends as it should in every kind of call', async () => {
  // A host that does not exist is not looked for behind a proxy.
  process.env.NO_PROXY = process.env.no_proxy = '.invalid'
  const started = performance.now()
  const wrong: string[] = []
  const left = cells.values()
  const work = async (): Promise<void> => {
    for (const cell of left) {
      const problem = await run(cell)
      if (problem) wrong.push(problem)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
  const took = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${cells.length} cells of faults in ${took} s, ${wrong.length} wrong`)
  assert.ok(cells.length > 0 && wrong.length === 0, wrong.join('\n'))
})
