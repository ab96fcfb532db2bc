import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { Attachment, Client, Emulator, Image, ImageError, InvalidOptionError, Reference, type ImageInput } from 'nanobanana-sdk'
import { node, offline, root } from './helpers'

interface Part {
  text?: string
  inlineData?: { mimeType: string; data: string }
}

function parts(emulator: Emulator, request = -1): Part[] {
  const body = emulator.requests.at(request)?.json as { contents: Array<{ parts: Part[] }> }
  return body.contents[0]?.parts ?? []
}

/** A picture's file that is so small that the emulator remembers it whole. */
async function sample(): Promise<{ bytes: Buffer; path: string }> {
  const small = await Image.open(join(root, 'tests', 'media', 'dot.png'))
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  return { bytes: small.bytes, path: await small.save(join(folder, 'small')) }
}

test('every kind of input arrives as the same bytes', () =>
  offline(async (client, emulator) => {
    const { bytes, path } = await sample()
    const padded = new Uint8Array(bytes.length + 3)
    padded.set(bytes, 3)
    const copy = padded.slice(3)
    const kinds: Record<string, ImageInput> = {
      Buffer: Buffer.from(bytes),
      'Uint8Array with an offset': padded.subarray(3),
      ArrayBuffer: copy.buffer,
      DataView: new DataView(padded.buffer, 3),
      path,
      'file: URL': pathToFileURL(path),
      'data: URL': new URL(`data:image/png;base64,${bytes.toString('base64')}`),
      'data: text': `data:image/png;base64,${bytes.toString('base64')}`,
      Blob: new Blob([copy]),
      File: new (await import('node:buffer')).File([copy], 'a.png'),
      'Node stream': createReadStream(path, { highWaterMark: 10 }),
      'web stream': new Blob([copy]).stream() as ReadableStream<Uint8Array>,
      'async iterator': (async function* () {
        yield copy.subarray(0, 7)
        yield copy.subarray(7)
      })(),
      'what sharp gives, encoded': { data: bytes, info: { width: 3, height: 2, channels: 3, format: 'png' } },
    }
    for (const [kind, input] of Object.entries(kinds)) {
      await client.edit('what is this?', input, { model: 'nano-banana' })
      const [picture] = parts(emulator).filter((part) => part.inlineData)
      assert.equal(picture?.inlineData?.data, bytes.toString('base64'), kind)
      assert.equal(picture?.inlineData?.mimeType, 'image/png', kind)
    }
  }))

test('pixels are sent as a picture of their size', () =>
  offline(async (client, emulator) => {
    const rgba = Uint8ClampedArray.from({ length: 3 * 2 * 4 }, (_, index) => (index % 4 === 3 ? 255 : index))
    const inputs: ImageInput[] = [
      { data: rgba, width: 3, height: 2 },
      { data: new Uint8Array(3 * 2), width: 3, height: 2, channels: 1 },
      { data: Buffer.alloc(3 * 2 * 3), info: { width: 3, height: 2, channels: 3, format: 'raw' } },
    ]
    await client.edit('what is this?', inputs)
    const sent = parts(emulator).flatMap((part) => (part.inlineData ? [Buffer.from(part.inlineData.data, 'base64')] : []))
    // Width and height of a PNG stand at byte 16.
    assert.deepEqual(sent.map((png) => [png.readUInt32BE(16), png.readUInt32BE(20)]), [[3, 2], [3, 2], [3, 2]])
    const wrong = client.edit('x', { data: new Uint8Array(7), width: 3, height: 2 })
    await assert.rejects(wrong, { name: 'ImageError', index: 0 })
  }))

test('a string is words in a prompt, and pictures stand where they were put', () =>
  offline(async (client, emulator) => {
    const { bytes, path } = await sample()
    await client.generate(['Put', bytes, path, new Blob([new Uint8Array(bytes)])])
    assert.deepEqual(parts(emulator).map((part) => part.text ?? 'picture'), ['Put', 'picture', path, 'picture'])
  }))

test('memory is copied at the call: what its owner does next does not show', () =>
  offline(async (client, emulator) => {
    const { bytes } = await sample()
    const wanted = bytes.toString('base64')
    for (const more of [[], [new Blob([new Uint8Array(bytes)])]]) {
      const mine = Buffer.from(bytes)
      const call = client.edit('what is this?', [mine, ...more])
      mine.fill(0)
      await call
      for (const part of parts(emulator)) if (part.inlineData) assert.equal(part.inlineData.data, wanted)
    }
    const keyed = new Client({ baseUrl: emulator.url, apiKey: async () => 'late-key' })
    const mine = Buffer.from(bytes)
    const call = keyed.edit('what is this?', mine)
    mine.fill(0)
    await call
    assert.equal(parts(emulator).find((part) => part.inlineData)?.inlineData?.data, wanted)
    assert.equal(emulator.requests.at(-1)?.headers['x-goog-api-key'] === 'test-key', false)
  }))

test('an image of a result goes in again', () =>
  offline(async (client, emulator) => {
    const { image } = await client.generate('a boat')
    await client.edit('at night', image)
    const [picture] = parts(emulator).filter((part) => part.inlineData)
    assert.deepEqual(picture?.inlineData?.data, { $bytes: image.bytes.length })
  }))

test('a bad input is named', () =>
  offline(async (client, emulator) => {
    const { bytes } = await sample()
    const before = emulator.requests.length
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new Error('the disk is gone'))
      },
    })
    const bad: unknown[] = [5, null, {}, new Map(), 'no-such-file.png', Buffer.alloc(0), new Blob(['words']), broken]
    for (const input of bad) {
      const call = client.edit('x', [bytes, input as ImageInput])
      await assert.rejects(call, (error) => error instanceof ImageError && error.index === 1, String(input))
    }
    await assert.rejects(client.edit('x', broken), /locked|disk is gone/)
    const told: Array<[unknown, RegExp]> = [
      [5, /^picture 1 is a number; give pixels as an array/],
      [null, /^picture 1 is null;/],
      [undefined, /^picture 1 is undefined;/],
      [() => bytes, /^picture 1 is of type function;/],
      [Symbol('x'), /^picture 1 is of type symbol;/],
      [new Map(), /^picture 1 is an object of the class Map;/],
      [{ data: 'words', width: 1, height: 1 }, /^picture 1 is an object of the class Object;/],
      [{ data: bytes }, /^picture 1 is an object of the class Object;/],
      [{ data: new Uint8Array(7), width: 3, height: 2 }, /^picture 1 has 7 samples, which do not fit 3 x 2 x 1.16/],
      [{ data: new Uint8Array(6), width: '3', height: 2 }, /^picture 1 has 6 samples, which do not fit/],
      [Readable.from([5]), /^picture 1 cannot be used: its stream failed: it gives a value of type number, not bytes/],
    ]
    for (const [input, message] of told) {
      await assert.rejects(client.edit(['x', bytes], input as ImageInput), { name: 'ImageError', index: 1, message })
    }
    assert.equal(emulator.requests.length, before)
  }))

test('what wraps a stream is read, and stands where it was put', () =>
  offline(async (client, emulator) => {
    const { bytes } = await sample()
    const mia = new Reference(Readable.from([bytes]), { name: 'Mia' })
    const talk = new Attachment(Readable.from([Buffer.from('%PDF-1.4\n')]))
    await client.edit(['Draw', talk], [mia], { attachments: new Attachment(new Blob(['hi']), { mimeType: 'text/plain' }), model: 'nano-banana' })
    const sent = parts(emulator).map((part) => part.text ?? part.inlineData?.mimeType)
    assert.deepEqual(sent, ['Draw', 'application/pdf', 'The next picture shows Mia.', 'image/png', 'text/plain'])
    const items = [{ prompt: 'a boat', options: { attachments: [Readable.from([Buffer.from('hi')])], model: 'nano-banana' } }]
    for await (const outcome of client.generateMany(items)) assert.match(String(outcome.result?.text), /With it came: text\/plain\.$/)
  }))

test('attachments that cannot be are told', () =>
  offline(async (client) => {
    const wrong = (attachments: unknown) => () => client.generate('a boat', { attachments } as never)
    const told = (message: RegExp) => (error: unknown) => error instanceof InvalidOptionError && error.option === 'attachments' && message.test(error.message)
    await assert.rejects(wrong([{}]), told(/an attachment is a path/))
    await assert.rejects(wrong([['a.pdf']]), told(/a list in a list/))
    await assert.rejects(wrong(new Attachment(undefined as never)), told(/of nothing/))
    await assert.rejects(wrong({ data: new Uint8Array(4), width: 2, height: 2 }), told(/`images`/))
    await assert.rejects(wrong(createReadStream('/nowhere.pdf')), told(/ENOENT/))
    for (const attachments of ['a.pdf', [Buffer.from('a')], new Attachment('a.pdf')]) {
      assert.throws(() => client.chat({ attachments } as never), told(/goes with a prompt/))
    }
  }))

/** As much of `sharp` as is used, which finds 2x1 pixels in everything, or none. */
const SHARP = `module.exports = (bytes) => {
  const steps = []
  const step = (name) => (...given) => (steps.push([name, ...given]), it)
  const it = { rotate: step('rotate'), toColourspace: step('toColourspace'), raw: step('raw') }
  it.toBuffer = async () => {
    if (process.env.BROKEN) throw new Error('the codec is not built in')
    console.log(JSON.stringify([bytes.length, ...steps]))
    return { data: Buffer.from([1, 2, 3, 4, 5, 6]), info: { width: 2, height: 1, channels: 3 } }
  }
  return it
}`

test('what only sharp decodes is decoded by it, and without it the error says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  await mkdir(join(folder, 'sharp'))
  await writeFile(join(folder, 'sharp', 'index.js'), SHARP)
  const program = `
    const { Client } = require('nanobanana-sdk')
    Client.offline().then((client) => client.explain('a banana', { images: 'tests/media/real/photo.avif' }))
      .then(({ inputs: [plan] }) => console.log(plan.action, plan.given.mimeType, plan.sent.mimeType, plan.sent.width),
        (error) => console.log(error.name, error.message))`
  const { NODE_PATH: _, ...plain } = process.env
  const has = { ...plain, NODE_PATH: folder }
  const [asked, told] = (await node(['-e', program], has)).split('\n')
  assert.deepEqual(JSON.parse(asked ?? '').slice(1), [['rotate'], ['toColourspace', 'srgb'], ['raw', { depth: 'uchar' }]])
  assert.ok(JSON.parse(asked ?? '')[0] > 100)
  assert.equal(told, 'converted image/avif image/png 2')
  assert.match(await node(['-e', program], { ...has, BROKEN: '1' }), /^ImageError .*sharp: .*the codec is not built in/)
  assert.match(await node(['-e', program], plain), /^ImageError .*AVIF are not decoded here.*sharp/)
})

test('a picture of sharp is turned before it is sent, and itself stays as it is', () =>
  offline(async (client, emulator) => {
    const { bytes } = await sample()
    const asked: string[] = []
    const old = { metadata: async () => ({}), toBuffer: async () => (asked.push('old'), bytes) }
    const turned = { ...old, toBuffer: async () => (asked.push('turned'), bytes) }
    const copy = { ...old, autoOrient: () => turned }
    const picture = { ...old, autoOrient: () => assert.fail('the caller works on it, too'), clone: () => copy }
    await client.edit('at night', [picture, old])
    assert.deepEqual(asked.sort(), ['old', 'turned'])
    assert.equal(parts(emulator).filter((part) => part.inlineData).length, 2)
  }))

test('pixels of another colour space are not taken for sRGB', () =>
  offline(async (client) => {
    const data = { data: new Uint8ClampedArray(4), width: 1, height: 1 }
    await client.explain('at night', { images: { ...data, colorSpace: 'srgb' } as ImageInput })
    await assert.rejects(client.explain('at night', { images: { ...data, colorSpace: 'display-p3' } as ImageInput }), /picture 0 .*display-p3.*srgb/)
  }))
