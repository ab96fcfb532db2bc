// One key through every error, inspection, JSON, trace, warning and file: it must be found nowhere.
//
// A new way to fail is a row of `tests/canary.json`, which both languages read, a new kind of call one of
// `routes`, and whatever a feature shows or writes is handed to a `Hunt`.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer as createPlain, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer as createSecure } from 'node:tls'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import * as nb from 'nanobanana-sdk'
import { root, until } from './helpers'

type Step = Record<string, unknown>
const stated = JSON.parse(readFileSync(join(root, 'tests', 'canary.json'), 'utf8')) as {
  key: string; cookie: string; password: string; sent: Record<string, string>; statuses: number[]; cuts: number[]; headers: Step; error: Step; html: string; replies: Record<string, Step>
  settings: Record<string, Step>; echoed: string[]; pictures: Record<string, string>
}
const { key, headers, error: said, html } = stated

// What a service or a gateway on the way may answer, the key in every place that it can reach.
const replies: Record<string, Step> = { ...stated.replies }
for (const status of stated.statuses) {
  replies[`${status} echo`] = { status, headers, json: said }
  replies[`${status} HTML`] = { status, headers, body: html }
  replies[`${status} empty`] = { status, headers, body: '' }
}
// The key across the place where a long text is cut short.
for (const at of stated.cuts) replies[`cut at ${at}`] = { status: 502, body: 'x'.repeat(at) + key + 'y'.repeat(4000) }

// A cut through the middle must not leave a piece that is worth something.
// The cookie and the password are others: the filter of the key must not be the one that finds them.
const { cookie, password, sent } = stated
const coded = (secret: string): string => Buffer.from(`me:${secret}`).toString('base64').slice(4, -4)
const pieces = [key, cookie, password].flatMap((secret) => [secret, secret.slice(0, 12), secret.slice(-12), coded(secret)])

/** Gathers what can be seen, and looks for the key in all of it. */
class Hunt {
  readonly #seen: Array<[where: string, text: string]> = []
  looked = 0

  constructor(readonly folder: string) {}

  text(where: string, text: unknown): void { this.#seen.push([where, typeof text === 'string' ? text : inspect(text, { depth: 20 })]) }

  /** Everything by which Node shows an object or carries it elsewhere. */
  look(thing: unknown, where = (thing as object)?.constructor?.name ?? 'it', known = new Set<unknown>()): void {
    if (known.has(thing)) return
    known.add(thing)
    this.looked++
    const deep = { depth: Infinity, showHidden: true, maxStringLength: null, maxArrayLength: null } as const
    this.text(`${where} inspected`, inspect(thing))
    this.text(`${where} inspected deeply`, inspect(thing, deep))
    this.text(`${where} inspected plainly`, inspect(thing, { ...deep, customInspect: false, getters: true }))
    this.text(`${where} formatted`, format('%s %o %O %j', thing, thing, thing, thing))
    this.text(`${where} as JSON`, JSON.stringify(thing) ?? '')
    this.text(`${where} as a text`, String(thing))
    try {
      this.text(`${where} cloned`, serialize(thing).toString('latin1'))
    } catch {
      // A function, or a handle of the core: neither leaves the thread.
    }
    if (typeof thing !== 'object' || thing === null) return
    for (let level: object | null = thing; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
      for (const name of Reflect.ownKeys(level)) {
        const { value, get } = Object.getOwnPropertyDescriptor(level, name) ?? {}
        let found: unknown = value
        try {
          if (get) found = get.call(thing)
        } catch (error) {
          found = error
        }
        if (typeof found !== 'function') this.text(`${where}.${String(name)}`, `${String(name)} ${inspect(found, deep)}`)
      }
    }
    if (thing instanceof Error) {
      this.text(`stack of ${where}`, thing.stack ?? '')
      if (thing.cause !== undefined) this.look(thing.cause, `cause of ${where}`, known)
    }
    for (const field of ['errors', 'attempts', 'partial'] as const) {
      const more = (thing as Record<string, unknown>)[field]
      for (const item of Array.isArray(more) ? more : more ? [more] : []) this.look(item, `${where}.${field}`, known)
    }
  }

  /** Every file below the folder, its name and its bytes; gives their number. */
  files(folder = this.folder): number {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    for (const { parentPath, path, name } of files) {
      this.text(`the file ${name}`, `${name} ${readFileSync(join(parentPath ?? path, name), 'latin1')}`)
    }
    return files.length
  }

  caught(): string[] { return this.#seen.filter(([, text]) => pieces.some((piece) => text.includes(piece))).map(([where]) => where) }

  ends(): void {
    this.files()
    assert.deepEqual([...new Set(this.caught())], [], 'the key was found')
    assert.ok(this.looked, 'nothing was looked at')
  }
}

/** `shown`: whether the emulator is looked at, too; it shows what a caller sends as words and addresses. */
async function hunting(use: (hunt: Hunt, emulator: nb.Emulator) => Promise<void>, shown = true): Promise<void> {
  const hunt = new Hunt(await mkdtemp(join(tmpdir(), 'nanobanana-')))
  const emulator = await nb.Emulator.start()
  const warned = (warning: Error): void => hunt.look(warning)
  process.on('warning', warned)
  try {
    await use(hunt, emulator)
    if (shown) hunt.look(emulator)
    await new Promise(setImmediate)
  } finally {
    process.off('warning', warned)
    await emulator.close()
  }
  hunt.ends()
}

const routes: Record<string, (hunt: Hunt, options: nb.ClientOptions) => Promise<void>> = {
  async call(hunt, options) {
    const client = new nb.Client(options)
    hunt.look(client)
    await client.generate('a boat')
  },
  async n(hunt, options) { hunt.look(await new nb.Client(options).generate('a boat', { n: 3 })) },
  async stream(hunt, options) {
    const stream = new nb.Client(options).generateStream('a boat')
    hunt.look(stream)
    for await (const event of stream) hunt.look(event)
  },
  async chat(hunt, options) {
    const client = new nb.Client(options)
    const chat = client.chat()
    try {
      await chat.send('a boat')
    } finally {
      hunt.look(chat)
      hunt.look(chat.history)
      hunt.look(await client.loadChat(await chat.save(join(hunt.folder, 'chat.json'))))
    }
  },
  async 'key of each call'(hunt, { apiKey, ...options }) {
    const client = new nb.Client({ ...options, apiKey: () => apiKey as string })
    hunt.look(client)
    for await (const _event of client.generateStream('a boat'));
  },
  async copy(hunt, options) {
    const client = new nb.Client({ ...options, apiKey: 'another' }).withOptions({ apiKey: options.apiKey, model: 'nano-banana' })
    hunt.look(client)
    await client.generate('a boat')
  },
  async json(hunt, options) {
    try {
      await new nb.Client(options).generate('a boat')
    } catch (error) {
      if (!(error instanceof nb.NanoBananaError)) throw error
      hunt.look(error.toJSON())
      throw nb.NanoBananaError.fromJSON(structuredClone(error.toJSON()))
    }
  },
}
const retry = { maxAttempts: 2, initial: 10, maxWait: 1000 }

async function fails(hunt: Hunt, call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    assert.ok(error instanceof nb.NanoBananaError, inspect(error))
    hunt.look(error)
    return true
  }
}

for (const [route, call] of Object.entries(routes)) {
  for (const [reply, step] of Object.entries(replies)) {
    test(`${reply}, by ${route}`, () =>
      hunting(async (hunt, emulator) => {
        emulator.script(Array.from({ length: 8 }, () => step))
        const options = { apiKey: key, baseUrl: emulator.url, timeout: reply === 'silence' ? 1000 : 30_000, retry, headers: sent }
        const failed = await fails(hunt, call(hunt, options))
        assert.ok(failed || (reply === 'words' && route === 'chat'), 'it did not fail')
        assert.ok(emulator.requests.length)
      }))
  }
}

// What goes wrong before or around a request, and how a client may be set up.

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return (server.address() as AddressInfo).port
}

/** A server with a certificate that nobody vouches for, and a proxy that is not content and says so. */
async function servers(use: (places: Record<string, string>) => Promise<void>): Promise<void> {
  const media = join(root, 'tests', 'media')
  const [certificate, secret] = ['localhost.pem', 'localhost.key'].map((name) => readFileSync(join(media, name)))
  const secure = createSecure({ cert: certificate, key: secret }, (socket) => socket.end()).on('tlsClientError', () => {})
  const proxy = createPlain((socket) => {
    const basic = Buffer.from(`me:${password}`).toString('base64')
    const body = `<html>Proxy-Authorization: Basic ${basic} ${password}</html>`
    socket.on('error', () => {}).once('data', () => {
      socket.end(`HTTP/1.1 407 ${password}\r\nx-said: ${password}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
  })
  try {
    await use({ tls: `https://localhost:${await listening(secure)}`, proxy: `127.0.0.1:${await listening(proxy)}` })
  } finally {
    secure.close()
    proxy.close()
  }
}

const settings: Record<string, Step> = {
  ...stated.settings,
  'a key in bytes': { api_key: Buffer.from(key) },
  'a key that is a symbol': { api_key: Symbol(key) },
  'a key that is half a letter': { api_key: `${key}\ud800` },
  'headers of the web': { headers: new Headers({ authorization: key }) },
}

for (const [route, call] of Object.entries(routes)) {
  for (const [setting, given] of Object.entries(settings)) {
    test(`${setting}, by ${route}`, () =>
      hunting((hunt, emulator) =>
        servers(async (places) => {
          emulator.script(Array.from({ length: 8 }, () => replies['400 echo']!))
          const fill = (text: string): string =>
            text.replace(/\{(\w+)\}/g, (_, name: string) => ({ ...places, port: new URL(emulator.url).port })[name] ?? '')
          const own = Object.entries(given).map(([name, value]) => [camel(name), /base_url|proxy/.test(name) ? fill(value as string) : value])
          const options = { apiKey: key, baseUrl: emulator.url, timeout: 5000, retry, ...Object.fromEntries(own) }
          assert.ok(await fails(hunt, call(hunt, options)), 'it did not fail')
          // A function that gives no usable key is refused before anything is sent.
          const isRefused = setting === 'a key with a space' && route === 'key of each call'
          assert.ok(!stated.echoed.includes(setting) || isRefused || emulator.requests.length)
        })))
  }
}

for (const [picture, url] of Object.entries(stated.pictures)) {
  for (const allowPrivateUrls of [false, true]) {
    test(`a picture from the web: ${picture}, ${allowPrivateUrls}`, () =>
      hunting(async (hunt, emulator) => {
        emulator.script([replies['400 echo']!])
        const client = new nb.Client({ apiKey: key, baseUrl: emulator.url, retry: false, allowPrivateUrls })
        assert.ok(await fails(hunt, client.edit('a boat', url)), 'it did not fail')
      }, false))
  }
}

test('what goes well, and what is aborted or closed', () =>
  hunting(async (hunt, emulator) => {
    emulator.script([{ status: 503, json: said }, { cut: 'headers' }, {}])
    const options = { apiKey: key, baseUrl: emulator.url, headers: { authorization: key }, retry: { maxAttempts: 4, initial: 10 } }
    const client = new nb.Client(options)
    const result = await client.generate('a boat', { model: 'nano-banana' })
    assert.equal(result.attempts.length, 3)
    await result.save(join(hunt.folder, 'pictures'))
    const chat = client.chat({ model: 'nano-banana' })
    await chat.send('a boat', { headers: { cookie: key } })
    await chat.save(join(hunt.folder, 'chat.json'))
    for await (const event of client.generateStream('a boat', { model: 'nano-banana' })) hunt.look(event)
    for (const thing of [client, client.withOptions({ timeout: 5000 }), result, result.image, chat, chat.history, await client.models()]) hunt.look(thing)
    emulator.script([{ hang: true }])
    const controller = new AbortController()
    const call = client.generate('a boat', { signal: controller.signal }).catch((error) => error)
    hunt.text('a promise', call)
    setTimeout(() => controller.abort(), 50)
    hunt.look(await call)
    hunt.look(controller.signal)
    await client.close()
    assert.ok(await fails(hunt, client.generate('a boat')))
    hunt.look(client)
    assert.ok(hunt.files() >= 2)
  }))

test('what a run leaves, and what is told of it', () =>
  hunting(async (hunt, emulator) => {
    const echo = { status: 400, json: said }
    emulator.script([{ status: 503, json: said }, { image: 'png 8x8' }, echo, { cut: 'headers' }, echo])
    const events: nb.ClientEvent[] = []
    const client = new nb.Client({
      apiKey: key, baseUrl: emulator.url, headers: { authorization: key }, budget: 5, cache: join(hunt.folder, 'cache'),
      retry: { maxAttempts: 3, initial: 10 }, onEvent: (event) => events.push(event),
    })
    const items = ['a boat', { prompt: 'a house', options: { headers: { cookie: key } } }, 'a boat', 'a tree']
    const run = { journal: join(hunt.folder, 'run.jsonl'), saveTo: join(hunt.folder, 'out'), concurrency: 1 }
    const outcomes: nb.Outcome[] = []
    for (let round = 0; round < 2; round++) {
      for await (const outcome of client.generateMany(items, run)) outcomes.push(outcome)
    }
    assert.ok(outcomes.some((outcome) => outcome.cached) && outcomes.some((outcome) => !outcome.ok))
    for (const thing of [client, client.spent, await client.estimate('a boat'), ...outcomes]) hunt.look(thing)
    for (const outcome of outcomes) hunt.look(outcome.ok ? outcome.result : outcome.error)
    const poor = client.withOptions({ budget: 0.000001 })
    assert.ok(await fails(hunt, poor.generate('a hut', { headers: { 'x-token': key } })))
    await until(() => events.length >= 8, 'the events')
    for (const event of events) hunt.look(event)
    // A journal, pictures and notes, and kept answers.
    assert.ok(hunt.files() >= 6)
  }))

test('a process that ends by an error prints no key, whatever it is asked to log', () =>
  hunting(async (hunt, emulator) => {
    emulator.script(Array.from({ length: 4 }, () => replies['401 echo']!))
    const program = `
      const nb = require(${JSON.stringify(join(root, 'bindings-node', 'dist', 'index.js'))})
      const client = new nb.Client()
      console.log(client, nb, [client], { client })
      console.dir(client, { showHidden: true, depth: null })
      nb.generate('a boat').catch((error) => console.error(error))
      client.generate('a boat', { signal: new AbortController().signal })`
    const file = join(await mkdtemp(join(tmpdir(), 'nanobanana-')), 'program.cjs')
    await writeFile(file, program)
    const cli = join(root, 'bindings-node', 'dist', 'cli.js')
    const env = {
      ...process.env, GEMINI_API_KEY: 'another', GOOGLE_API_KEY: key, GOOGLE_GEMINI_BASE_URL: emulator.url, HTTPS_PROXY: `http://me:${key}@a`,
      NODE_DEBUG: 'nanobanana', RUST_LOG: 'trace', RUST_BACKTRACE: 'full', NODE_OPTIONS: '',
    }
    for (const args of [['--trace-warnings', '--trace-uncaught', file], [cli, 'generate', 'a boat', '-o', join(hunt.folder, 'boat')]]) {
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      let shown = ''
      for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (piece) => (shown += piece))
      const code = await new Promise((resolve) => child.once('close', resolve))
      assert.notEqual(code, 0)
      assert.match(shown, /AuthenticationError|401/)
      hunt.text(`the output of ${args.at(-1)}`, shown)
    }
    await until(() => emulator.requests.length >= 3, 'the requests')
    hunt.looked++
  }))

test('the hunt finds what is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  await writeFile(join(folder, 'plain.bin'), `\xff${key}`, 'latin1')
  const finds = (put: (hunt: Hunt) => void): boolean => {
    const hunt = new Hunt(folder)
    put(hunt)
    return hunt.caught().length > 0
  }
  const hidden = Object.defineProperty({}, 'hidden', { value: [key], enumerable: false })
  assert.ok(finds((hunt) => hunt.look(new nb.BadRequestError(`no ${key}`))))
  assert.ok(finds((hunt) => hunt.look(new nb.RateLimitError('no', { quota: key.slice(0, 14) }))))
  assert.ok(finds((hunt) => hunt.look(new nb.ConfigError('no', { cause: new Error(key) }))))
  assert.ok(finds((hunt) => hunt.look(hidden)))
  assert.ok(finds((hunt) => hunt.look({ [Symbol('secret')]: key })))
  assert.ok(finds((hunt) => hunt.files()))
  assert.ok(!finds((hunt) => hunt.look(new nb.ConfigError('no'))))
})
