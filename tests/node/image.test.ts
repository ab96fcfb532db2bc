import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Client, Image, ImageError, InvalidOptionError, NoImageError, Result } from 'nanobanana-sdk'

async function drawn(): Promise<Result> {
  const client = await Client.offline()
  return client.generate('a boat', { model: 'nano-banana-pro', aspectRatio: '16:9' })
}

test('bytes are one Buffer over the memory of Rust', async () => {
  const { image } = await drawn()
  const { bytes } = image
  assert.ok(Buffer.isBuffer(bytes))
  assert.equal(image.bytes, bytes)
  assert.equal(bytes.byteOffset, 0)
  assert.equal(bytes.buffer.byteLength, bytes.length, 'a pooled buffer would be a copy')
  assert.equal(JSON.parse(JSON.stringify(image)).bytes, bytes.length)
})

test('pictures that nobody holds are freed in time, whether their bytes were looked at or not', async () => {
  const { image } = await drawn()
  const path = join(await mkdtemp(join(tmpdir(), 'nanobanana-')), 'large.png')
  const large = 8 << 20
  await writeFile(path, Buffer.concat([(await image.convert('png')).bytes, Buffer.alloc(large)]))
  for (const look of [false, true]) {
    const before = process.memoryUsage().rss
    let most = 0
    for (let round = 0; round < 100; round++) {
      const opened = await Image.open(path)
      assert.ok(!look || opened.bytes.length > large)
      most = Math.max(most, process.memoryUsage().rss - before)
    }
    // V8 must know how heavy the small objects are: else all 800 MB would stay.
    assert.ok(most < 50 * large, `${most >> 20} MiB`)
  }
})

test('the bytes outlive their picture', async () => {
  const bytes = await drawn().then(({ image }) => image.bytes)
  const copy = Buffer.from(bytes)
  for (let round = 0; round < 20; round++) await drawn()
  assert.ok(bytes.equals(copy))
})

test('save writes the very bytes, convert and resize make others', async () => {
  const { image } = await drawn()
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  const path = await image.save(join(folder, 'boat'))
  assert.match(path, /boat\.(jpg|png)$/)
  assert.ok((await readFile(path)).equals(image.bytes))
  const opened = await Image.open(path)
  assert.ok(opened.equals(image) && !opened.equals(await image.resize(4, 4)))
  assert.equal(await image.convert(image.mimeType), image)
  const webp = await image.convert('webp')
  assert.deepEqual([webp.mimeType, webp.width, webp.height], ['image/webp', image.width, image.height])
  const small = await image.resize(32, 18)
  assert.deepEqual([small.width, small.height], [32, 18])
  await assert.rejects(image.convert('gif'), InvalidOptionError)
  await assert.rejects(image.convert('jpeg', { quality: 300 }), InvalidOptionError)
  await assert.rejects(image.resize(1.5, 2), InvalidOptionError)
  await assert.rejects(Image.open(join(folder, 'nothing.png')), ImageError)
})

test('toBlob and toDataURL hold the picture', async () => {
  const { image } = await drawn()
  const small = await image.resize(4, 4)
  const blob = small.toBlob()
  assert.equal(blob.type, small.mimeType)
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(small.bytes))
  assert.equal(small.toDataURL(), `data:${small.mimeType};base64,${small.bytes.toString('base64')}`)
})

test('neither JSON nor inspect shows bytes', async () => {
  const result = await drawn()
  const { image } = result
  assert.deepEqual(image.toJSON(), {
    mimeType: image.mimeType,
    width: 1376,
    height: 768,
    bytes: image.bytes.length,
  })
  assert.equal(inspect(image), `Image(${image.mimeType}, 1376x768, ${image.bytes.length} bytes)`)
  const text = JSON.stringify(result)
  assert.ok(text.length < 20_000 && !text.includes(image.bytes.toString('base64', 0, 60)))
  assert.deepEqual(result.toJSON(), JSON.parse(text))
  assert.equal((result.toJSON().images as object[]).length, 1)
})

test('a result without a picture says so', async () => {
  const { images: _images, ...rest } = await drawn()
  const empty = new (Result as unknown as new (fields: object) => Result)({ ...rest, images: [], text: 'no' })
  assert.throws(() => empty.image, (error) => error instanceof NoImageError && error.text === 'no')
})

test('a result saves all its pictures in a folder', async () => {
  const client = await Client.offline()
  const result = await client.generate('a boat', { n: 2 })
  const paths = await result.save(join(await mkdtemp(join(tmpdir(), 'nanobanana-')), 'new', 'folder'))
  assert.equal(paths.length, 2)
  for (const [index, path] of paths.entries()) {
    assert.ok((await readFile(path)).equals(result.images[index]?.bytes ?? Buffer.alloc(0)))
  }
})

test('thoughts are pictures too, in their place', async () => {
  const client = await Client.offline()
  const result = await client.generate('a boat', { model: 'nano-banana-pro', thoughts: true })
  assert.ok(result.thoughts.images.length > 0)
  for (const image of [...result.images, ...result.thoughts.images]) assert.ok(image instanceof Image && image.width > 0)
  assert.equal(result.images.length, 1)
})
