// What comes out, as Node sees it: originals, marks, warnings of the process, `outputFormat`.

import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Image, type Provenance } from 'nanobanana-sdk'
import { offline, root } from './helpers'

const mark = (name: string): string => join(root, 'tests', 'media', 'marks', name)

/** The warnings of the process while this goes on. */
async function warnings(act: () => Promise<unknown>): Promise<string[]> {
  const heard: string[] = []
  const hear = (warning: Error): void => { if (warning.name === 'ImageWarning') heard.push(warning.message) }
  process.on('warning', hear)
  try {
    await act()
    // They come on a later tick.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', hear)
  }
  return heard
}

test('what a conversion loses is a warning of the process', async () => {
  const came = await Image.open(mark('c2pa.png'))
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  const lossy = [
    () => came.convert('jpeg'),
    () => came.convert('webp', { quality: 80 }),
    () => came.resize(4, 4),
    () => came.save(join(folder, 'boat.jpg')),
  ]
  for (const act of lossy) {
    const heard = await warnings(act)
    assert.equal(heard.length, 1)
    assert.match(heard[0] ?? '', /C2PA/)
  }
  const plain = await Image.open(mark('plain.png'))
  const faithful = [() => came.convert('png'), () => came.save(join(folder, 'same')), () => plain.convert('jpeg')]
  for (const act of faithful) assert.deepEqual(await warnings(act), [])
  assert.ok((await readFile(join(folder, 'same.png'))).equals(came.bytes))
})

test('what is made keeps what came', async () => {
  const came = await Image.open(mark('plain.png'))
  assert.equal(came.original, null)
  const made = await came.convert('webp')
  assert.ok(made.original?.equals(came))
  assert.equal(made.original, made.original)
  assert.ok(made.original?.bytes.equals(came.bytes))
  assert.ok((await made.resize(4, 4)).original?.equals(came))
})

test('marks are told as a record', async () => {
  const wanted: Provenance = {
    c2pa: true,
    ai: true,
    marks: [{ kind: 'c2pa', claim: 'trainedAlgorithmicMedia', generator: 'Google C2PA Core Generator Library' }],
  }
  for (const name of ['c2pa.png', 'c2pa.jpg', 'c2pa.webp']) {
    assert.deepEqual((await Image.open(mark(name))).provenance, wanted)
  }
  assert.deepEqual((await Image.open(mark('plain.webp'))).provenance, { c2pa: false, ai: false, marks: [] })
})

test('a call gives the type that was asked for, and what came', async () => {
  await offline(async (client, emulator) => {
    const data = (await readFile(mark('c2pa.jpg'))).toString('base64')
    const parts = [{ inlineData: { mimeType: 'image/jpeg', data } }]
    emulator.script([{ json: { candidates: [{ content: { parts }, finishReason: 'STOP' }] } }, { image: 'png 8x8' }])
    const heard = await warnings(async () => {
      const { image, warnings: told } = await client.generate('a boat', { outputFormat: 'webp', outputQuality: 80 })
      assert.equal(image.mimeType, 'image/webp')
      assert.equal(image.original?.mimeType, 'image/jpeg')
      assert.match(told.join(), /C2PA/)
    })
    assert.deepEqual(heard, [], 'it stands in the result')
    for await (const event of client.generateStream('a boat', { outputFormat: 'jpeg' })) {
      if (event.type === 'image') assert.equal(event.image.mimeType, 'image/jpeg')
      if (event.type === 'done') assert.equal(event.result.image.original?.mimeType, 'image/png')
    }
  })
})
