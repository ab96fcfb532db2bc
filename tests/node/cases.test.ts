// Runs tests/cases/*.json in Node, by the rules of tests/cases/README.md. The files are written in
// snake case and seconds; this translates what goes in to JavaScript's spelling, and back what comes.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Attachment, Box, Chat, Client, Emulator, NanoBananaError, Reference } from 'nanobanana-sdk'
import type { APIError, AttachmentInput, Event, EventStream, Image, ImageInput, MaskInput, Prompt, Result } from 'nanobanana-sdk'
import { root } from './helpers'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Map = { [key: string]: Json }

interface Call {
  verb: string
  prompt?: Json
  images?: Json
  options?: Map
  role?: 'user' | 'model'
  keep?: number
}

interface Expected {
  events?: Json
  pictures?: Json
  result?: Json
  error?: Json
}

interface TestCase extends Expected {
  id: string
  client?: Map
  call: Call
  chat?: Map
  steps?: Array<Call & Expected>
  server?: Map[]
  sent?: Json
  took?: Json
  spent?: Json
}

const tests = join(root, 'tests')
const camel = (name: string): string => name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter) => letter.toUpperCase())
const snake = (name: string): string => name.replace(/(?<=[a-z0-9])([A-Z])/g, (letter) => `_${letter.toLowerCase()}`)
const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value)

const DURATIONS = ['timeout', 'total', 'connect', 'idle', 'initial', 'max_wait', 'max_age', 'start', 'end']

function options(map: Map): Map {
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => {
      if (typeof value === 'number' && DURATIONS.includes(name)) value *= 1000
      // What lies in the other maps is the user's or the service's own.
      if (isMap(value) && ['timeout', 'retry', 'cache', 'budget', 'encode'].includes(name)) value = options(value)
      return [camel(name), value]
    }),
  )
}

/** Fields whose content is the service's own. */
const FOREIGN = ['raw', 'details', 'ratings', 'value', 'price_per_image']

function back(value: unknown, name = ''): Json {
  if (Array.isArray(value)) return value.map((item) => back(item, name))
  if (isMap(value)) {
    if (FOREIGN.includes(name)) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [snake(key), back(item, snake(key))]))
  }
  if (name === 'wait' && typeof value === 'number') return value / 1000
  // Names of options in what is said about them.
  if (typeof value === 'string' && ['option', 'hint', 'allowed'].includes(name) && /^[a-z]+[a-zA-Z.]*$/.test(value)) return snake(value)
  if (typeof value === 'string' && ['message', 'warnings', 'why'].includes(name)) return value.replace(/`[a-z][a-zA-Z.]*`/g, snake).replace('milliseconds', 'seconds')
  return value as Json
}

function input(value: Json): unknown {
  if (!isMap(value)) return value
  if (typeof value.path === 'string') return pathToFileURL(join(tests, value.path))
  if (typeof value.bytes_of === 'string') return readFileSync(join(tests, value.bytes_of))
  if (typeof value.base64 === 'string') return Buffer.from(value.base64, 'base64')
  const { reference, attachment, box, ...fields } = value
  if (box !== undefined) return new Box(...(box as [number, number, number, number]), options(fields))
  if (reference !== undefined) return new Reference(input(reference) as ImageInput, options(fields))
  if (attachment !== undefined) return new Attachment(input(attachment) as AttachmentInput, options(fields))
  throw new Error(`a case has the input ${JSON.stringify(value)}`)
}

function inputs(value: Json | undefined): unknown[] {
  return value === undefined ? [] : [value].flat().map((item) => input(item))
}

/** Where and how what came differs from what a case expects. */
function differs(wanted: Json, got: Json | undefined, at: string): string | undefined {
  const wrong = `${at}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`
  const check = (holds: boolean): string | undefined => (holds ? undefined : wrong)
  if (isMap(wanted)) {
    const [[word, value] = ['', null], ...more] = Object.entries(wanted)
    if (more.length === 0) {
      const text = JSON.stringify(got) ?? ''
      const list = [got].flat() as Json[]
      const pieces = [value].flat().map(String)
      if (word === 'absent') return check(got === undefined)
      if (word === 'contains') {
        return check(list.some((item) => typeof item === 'string' && pieces.every((piece) => item.includes(piece))))
      }
      if (word === 'has') return check(list.some((item) => differs(value, item, at) === undefined))
      if (word === 'lacks') return check(!text.includes(String(value)))
      if (word === 'about') {
        return check(typeof got === 'number' && Math.abs(got - Number(value)) <= 1e-9 + Math.abs(Number(value)) * 1e-6)
      }
      if (word === 'at_least') return check(typeof got === 'number' && got >= Number(value))
      if (word === 'at_most') return check(typeof got === 'number' && got <= Number(value))
      if (word === 'exactly') return check(isDeep(got, value))
    }
    if (!isMap(got)) return wrong
    for (const [key, value] of Object.entries(wanted)) {
      const problem = differs(value, got[key], `${at}.${key}`)
      if (problem) return problem
    }
    return undefined
  }
  if (typeof wanted === 'number' && Array.isArray(got)) return check(got.length === wanted)
  if (Array.isArray(wanted) && Array.isArray(got)) {
    if (wanted.length !== got.length) return wrong
    return wanted.map((item, index) => differs(item, got[index], `${at}[${index}]`)).find(Boolean)
  }
  return check(isDeep(got, wanted))
}

function isDeep(got: unknown, wanted: unknown): boolean {
  try {
    assert.deepEqual(got, wanted)
    return true
  } catch {
    return false
  }
}

/** What a call gives: a record, its events if it is a stream, and its pictures. */
interface Came {
  result: unknown
  pictures?: Image[]
}

const drawn = (result: Result): Came => ({ result, pictures: [...result.images, ...result.thoughts.images] })

/** A stream to its end: what comes is then its last event's result. */
async function folded(stream: EventStream, events: unknown[]): Promise<Came> {
  let last: Event | undefined
  for await (const event of stream) events.push((last = event))
  assert.equal(last?.type, 'done')
  return drawn(last.result)
}

async function ask(on: Client | Chat, call: Call, events: unknown[]): Promise<Came> {
  const { attachments, mask, ...others } = call.options ?? {}
  const beside = {
    ...(attachments !== undefined && { attachments: inputs(attachments) as AttachmentInput[] }),
    ...(mask !== undefined && { mask: inputs(mask) as MaskInput[] }),
  }
  const plain = options(others)
  const given = { ...plain, ...beside }
  const prompt = (typeof call.prompt === 'string' ? call.prompt : inputs(call.prompt)) as Prompt
  const images = inputs(call.images) as ImageInput[]
  if (on instanceof Chat) {
    if (call.verb === 'send') return drawn(await on.send(prompt, { ...given, images }))
    if (call.verb === 'send_stream') return folded(on.sendStream(prompt, { ...given, images }), events)
    if (call.verb === 'add') return { result: (await on.add(prompt, { images, ...(call.role && { role: call.role }) })) ?? null }
    if (call.verb === 'undo') return { result: on.undo() }
    if (call.verb === 'drop_images') return { result: on.dropImages(call.keep) ?? null }
    if (call.verb === 'history') return { result: { turns: on.history }, pictures: on.history.flatMap((turn) => turn.images) }
  } else {
    if (call.verb === 'generate') return drawn(await on.generate(prompt, given))
    if (call.verb === 'edit') return drawn(await on.edit(prompt, images, given))
    if (call.verb === 'generate_stream') return folded(on.generateStream(prompt, given), events)
    if (call.verb === 'edit_stream') return folded(on.editStream(prompt, images, given), events)
    if (call.verb === 'estimate') return { result: await on.estimate(prompt, { ...given, images }) }
    if (call.verb === 'explain') return { result: await on.explain(prompt, { ...given, images }) }
    if (call.verb === 'count_tokens') return { result: await on.countTokens(prompt, { ...given, images }) }
    const [file] = images as [string]
    if (call.verb === 'files.upload') return { result: await on.files.upload(file, plain) }
    if (call.verb === 'files.get') return { result: await on.files.get(file, plain) }
    if (call.verb === 'files.list') return { result: { files: await on.files.list(plain) } }
    if (call.verb === 'files.delete') return { result: (await on.files.delete(file, plain)) ?? null }
    if (call.verb === 'models') return { result: { models: await on.models() } }
  }
  throw new Error(`a case has the verb ${call.verb}`)
}

/** As plain data in the spelling of the cases: classes say by `toJSON` what they hold. */
const plain = (value: unknown): Json | undefined => (value === undefined ? value : back(JSON.parse(JSON.stringify(value))))

/** One call, or one step of a conversation, against what is expected of it. */
async function perform(on: () => Client | Chat, call: Call, expected: Expected, at: string): Promise<void> {
  const events: unknown[] = []
  let came: { result?: unknown; error?: unknown; pictures?: Image[] }
  try {
    came = await ask(on(), call, events)
  } catch (error) {
    if (!(error instanceof NanoBananaError)) throw error
    came = { error, pictures: (error as APIError).partial?.images ?? [] }
  }
  const all: Map = { events: plain(events) as Json }
  for (const part of ['result', 'error'] as const) if (part in came) all[part] = plain(came[part]) as Json
  const whole = `\nin all: ${JSON.stringify(all)}`
  for (const part of ['events', 'result', 'error'] as const) {
    const wanted = expected[part]
    const problem = wanted !== undefined && differs(wanted, all[part], at + part)
    if (problem) assert.fail(problem + whole)
  }
  assert.ok('error' in expected || !('error' in all), `${at}it failed${whole}`)
  if (expected.pictures !== undefined) {
    assert.deepEqual(came.pictures?.map((image) => image.bytes), inputs(expected.pictures), `${at}pictures`)
  }
}

/** The steps of a conversation, one after the other; `branch` goes on with the branch, `reload` with what was saved. */
async function conversation(client: Client, { chat: given = {}, steps = [] }: TestCase): Promise<void> {
  let chat = client.chat(options(given))
  for (const [number, step] of steps.entries()) {
    if (step.verb === 'branch') chat = chat.branch()
    else if (step.verb === 'reload') {
      const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
      chat = await client.loadChat(await chat.save(join(folder, 'a.chat.json')))
    } else await perform(() => chat, step, step, `steps[${number}].`)
  }
}

async function run(theCase: TestCase): Promise<void> {
  const emulator = await Emulator.start()
  try {
    emulator.script(theCase.server ?? [])
    const clients: Client[] = []
    const open = (): Client => {
      const files = Object.entries(theCase.client ?? {}).map(([name, value]) => {
        return [name, isMap(value) && Object.keys(value).length === 1 && typeof value.path === 'string' ? join(tests, value.path) : value] as const
      })
      clients.push(new Client({ baseUrl: emulator.url, apiKey: 'test-key-0123', ...options(Object.fromEntries(files)) }))
      return clients[0] as Client
    }
    const started = performance.now()
    if (theCase.steps) await conversation(open(), theCase)
    else await perform(open, theCase.call, theCase, '')
    const all = { took: (performance.now() - started) / 1000, sent: emulator.requests as never, spent: plain(clients[0]?.spent) }
    for (const part of ['sent', 'took', 'spent'] as const) {
      const wanted = theCase[part]
      const problem = wanted !== undefined && differs(wanted, all[part], part)
      if (problem) assert.fail(problem)
    }
  } finally {
    await emulator.close()
  }
}

describe('cases', { concurrency: 8 }, () => {
  const files = readdirSync(join(tests, 'cases')).filter((name) => name.endsWith('.json'))
  const only = process.env.CASE
  const cases = files.flatMap((name) => JSON.parse(readFileSync(join(tests, 'cases', name), 'utf8')) as TestCase[])
  assert.ok(cases.length > 0, 'no case was found')
  for (const one of cases) if (!only || one.id === only) test(one.id, () => run(one))
})
