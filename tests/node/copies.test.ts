// Two copies of the package in one process, and what sees objects from outside: deep equality, structuredClone.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { serialize } from 'node:v8'
import vm from 'node:vm'
import * as own from 'nanobanana-sdk'
import { node, offline, root } from './helpers'

type Package = typeof own

let folder = ''
/** A copy of the package in another place, with a compiled core of its own. */
let other: Package

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nanobanana-copy-'))
  const copy = join(folder, 'node_modules', 'nanobanana-sdk')
  await mkdir(copy, { recursive: true })
  await cp(join(root, 'package.json'), join(copy, 'package.json'))
  await cp(join(root, 'bindings-node', 'dist'), join(copy, 'bindings-node', 'dist'), { recursive: true })
  const built = `nanobanana.${process.platform}-${process.arch}`
  for (const variant of ['', '-gnu', '-musl', '-msvc']) {
    const file = `${built}${variant}.node`
    await cp(join(root, 'bindings-node', file), join(copy, 'bindings-node', file)).catch(() => {})
  }
  other = createRequire(join(folder, 'index.js'))('nanobanana-sdk') as Package
  assert.notEqual(other.Image, own.Image)
})

after(() => rm(folder, { recursive: true, force: true }))

const draw = { model: 'nano-banana', seed: 1 } as const

test('pictures of one copy are taken by the other, wherever a picture is', () =>
  offline(async (client, emulator) => {
    const there = new other.Client({ apiKey: 'k', baseUrl: emulator.url })
    emulator.script(Array.from({ length: 20 }, () => ({ image: 'png 32x32' })))
    const { image } = await there.generate('a boat', draw)
    const sent = async (work: Promise<unknown>): Promise<string> => {
      await work
      return JSON.stringify(emulator.requests.at(-1)?.json)
    }
    const { image: same } = await client.generate('a boat', draw)
    const expected = await sent(client.edit('blue', same))
    assert.equal(await sent(client.edit('blue', image)), expected)
    assert.equal(await sent(there.edit('blue', same)), expected)
    await client.generate(['like', image, 'but blue'])
    await client.chat().send('blue', { images: [image] })
    await client.edit('blue', image, { mask: new other.Box(1, 1, 9, 9) })
    await client.edit('blue', same, { mask: image })
    const named = await sent(client.generate(['draw', new own.Reference(same, { name: 'Mia', role: 'object' })]))
    assert.equal(await sent(client.generate(['draw', new other.Reference(image, { name: 'Mia', role: 'object' })])), named)
    assert.equal(await sent(client.generate(['draw', new own.Reference(image, { name: 'Mia', role: 'object' })])), named)
    await client.generate('read this', { attachments: [new other.Attachment(Buffer.from('%PDF-1.7'), { mimeType: 'application/pdf' })] })
    assert.equal((await client.files.upload(image)).mimeType, image.mimeType)
    for await (const outcome of client.generateMany([{ prompt: 'blue', images: image }])) assert.ok(outcome.ok)
    assert.ok(same.equals(image as never) && image.equals(same as never))
  }))

test('instanceof knows the classes of the other copy, and their tree', () =>
  offline(async (client, emulator) => {
    const there = new other.Client({ apiKey: 'k', baseUrl: emulator.url, retry: false })
    assert.ok(there instanceof own.Client && there.chat() instanceof own.Chat && there.files instanceof own.Files)
    assert.ok((await other.Emulator.start()) instanceof own.Emulator)
    const result = await there.generate('a boat', draw)
    assert.ok(result instanceof own.Result && result.image instanceof own.Image)
    assert.ok(there.generateStream('a boat') instanceof own.EventStream)
    assert.ok(there.generateMany([]) instanceof own.Outcomes)
    assert.ok(!(result instanceof own.Image) && !(result.image instanceof own.Result))
    emulator.script([{ status: 429 }])
    const error = await there.generate('a boat').then(() => assert.fail(), (error: unknown) => error)
    for (const Class of [own.RateLimitError, own.APIStatusError, own.APIError, own.NanoBananaError]) assert.ok(error instanceof Class)
    assert.ok(!(error instanceof own.BadRequestError) && !(error instanceof own.ConfigError))
    assert.ok(new own.Box(1, 2, 3, 4) instanceof other.Box && !(new own.Box(1, 2, 3, 4) instanceof other.Reference))
    for (const nothing of [null, undefined, 5, 'x', {}, [], new Error('x'), () => {}]) {
      assert.ok(!((nothing as unknown) instanceof own.NanoBananaError) && !((nothing as unknown) instanceof own.Image))
    }
    // A class that a user made of ours is his alone.
    class Mine extends own.RateLimitError {}
    assert.ok(!(error instanceof Mine) && new Mine('x') instanceof Mine && new Mine('x') instanceof other.RateLimitError)
    own.setDefaultClient(there as never)
    assert.equal((await own.generate('a boat', draw)).image.mimeType, result.image.mimeType)
    own.setDefaultClient(undefined)
    // What the prompts of a run throw, whichever copy made it.
    const refused = client.generateMany((function* () { throw new other.ConfigError('no prompts') })())
    await assert.rejects(refused.next(), own.ConfigError)
  }))

test('a module that is loaded again in one process works, and what came of it before too', async () => {
  const program = `
    const first = require('nanobanana-sdk')
    const load = () => {
      for (const path of Object.keys(require.cache)) if (path.includes('bindings-node')) delete require.cache[path]
      return require('nanobanana-sdk')
    }
    void (async () => {
      const client = await first.Client.offline()
      const { image } = await client.generate('a boat')
      const second = load()
      const { signal } = new AbortController()
      const other = await second.Client.offline()
      await client.edit('blue', image, { signal })
      await other.edit('blue', image, { signal })
      const third = (await other.generate('a boat', { signal })).image
      await client.edit('blue', third, { signal })
      console.log(second.Image !== first.Image, third instanceof first.Image, (await image.convert('png')).mimeType)
    })()`
  assert.equal(await node(['-e', program]), 'true true image/png')
})

test('what stands in another realm is read as what it is', () =>
  offline(async (client) => {
    const { image } = await client.generate('a boat', draw)
    const realm = vm.createContext({ bytes: image.bytes, URL, Blob })
    const from = (code: string): never => vm.runInContext(code, realm) as never
    await client.edit('blue', from('new Uint8Array(bytes)'))
    await client.edit('blue', from('[new Uint8Array(bytes).buffer]'))
    await client.edit(from('["draw", new Uint8Array(bytes)]'), image)
    await client.edit('blue', from('(async function* () { yield new Uint8Array(bytes) })()'), from('({ aspectRatio: "1:1" })'))
    await assert.rejects(client.edit('blue', from('(async function* () { throw new Error("no more") })()')), /its stream failed: no more/)
  }))

test('only equal pictures are deeply equal, and nothing shows their bytes', () =>
  offline(async (client) => {
    const drawn = (seed: number): Promise<own.Result> => client.generate('a boat', { ...draw, seed })
    const [one, same, another] = await Promise.all([drawn(1), drawn(1), drawn(2)])
    const there = (await (await other.Client.offline()).generate('a boat', draw)).image
    assert.deepEqual(one.image, same.image)
    assert.deepEqual(one.images, same.images)
    assert.notDeepEqual(one.image, another.image)
    assert.notDeepEqual(one.images, another.images)
    const text = (work: () => void): string => { try { work() } catch (error) { return String((error as Error).message) } return '' }
    const said = text(() => assert.deepEqual(one.image, another.image))
    assert.ok(said.includes('SHA-256') && said.length < 2000, said)
    assert.equal(there.equals(one.image as never), true)
    const pair = [await own.Client.offline(), await own.Client.offline()] as const
    assert.notDeepEqual(pair[0], pair[1])
    const chats = [client.chat(), client.chat()] as const
    assert.notDeepEqual(chats[0], chats[1])
    assert.deepEqual(chats[0], chats[0])
    for (const client of pair) await client.close()
  }))

test('structuredClone and postMessage keep what they take, or say no', () =>
  offline(async (client, emulator) => {
    const result = await client.generate('a boat', draw)
    const { port1 } = new MessageChannel()
    const outcome = (await client.generateMany(['a boat'], draw).next()).value
    const things = {
      result, image: result.image, list: [result.image], outcome, client, chat: client.chat(), emulator,
      files: client.files, stream: client.generateStream('a boat'), event: { type: 'image', image: result.image },
    }
    for (const [name, thing] of Object.entries(things)) {
      for (const clone of [structuredClone, serialize, (value: unknown) => port1.postMessage(value)]) {
        assert.throws(() => clone(thing), /of nanobanana-sdk.*could not be cloned/, name)
      }
    }
    assert.throws(() => structuredClone(result.image), /post its `bytes` instead/)
    port1.close()
    // What crosses: the bytes, and the rest as JSON.
    const crossed = structuredClone({ bytes: result.image.bytes, ...result.toJSON() })
    assert.deepEqual(Buffer.from(crossed.bytes), result.image.bytes)
    assert.equal((crossed as { model?: string }).model, result.model)
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result.toJSON())
    assert.deepEqual({ ...result }.images, result.images)
  }))
