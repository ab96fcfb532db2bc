import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Box, Client, Emulator, ImageError, InvalidOptionError, type ImageInput } from 'nanobanana-sdk'

const SMALL = { model: 'nano-banana-2', imageSize: '512' } as const

async function drawn(): Promise<{ client: Client; source: Awaited<ReturnType<Client['generate']>>['image'] }> {
  const client = await Client.offline()
  const { image } = await client.generate('a harbour', { ...SMALL, aspectRatio: '4:3' })
  return { client, source: await (await image.resize(240, 180)).convert('png') }
}

test('a mask is a box, pixels, a stream or a list of these, and one result comes of all', async () => {
  const { client, source } = await drawn()
  const data = new Uint8Array(240 * 180)
  for (let y = 40; y < 120; y++) data.fill(255, y * 240 + 60, y * 240 + 160)
  const pixels = { data, width: 240, height: 180, channels: 1 }
  const boxes = [new Box(60, 40, 110, 120), new Box(110, 40, 160, 120)]
  const fraction = new Box(0.25, 40 / 180, 160 / 240, 120 / 180, { unit: 'fraction' })
  const results = []
  for (const mask of [new Box(60, 40, 160, 120), fraction, pixels, boxes]) {
    results.push(await client.edit('a banana', source, { ...SMALL, mask, seed: 1 }))
  }
  const [first, ...others] = results
  assert.ok(first)
  for (const other of others) assert.deepEqual(other.image.bytes, first.image.bytes)
  assert.equal(first.image.mimeType, 'image/png')
  assert.deepEqual([first.image.width, first.image.height], [240, 180])
  assert.ok(first.leak !== null && first.leak > 0 && first.leak < 0.1)
  assert.equal(first.changeMap?.width, 240)
  assert.notDeepEqual(first.modelImage?.bytes, first.image.bytes)
  assert.equal(first.masked[0]?.shift.length, 2)

  const events = []
  for await (const event of client.editStream('a banana', source, { ...SMALL, mask: boxes, keepOutside: false })) events.push(event)
  const done = events.at(-1)
  assert.ok(done?.type === 'done')
  assert.deepEqual(done.result.image.bytes, done.result.modelImage?.bytes)

  for await (const outcome of client.generateMany([{ prompt: 'a banana', images: source, options: { mask: boxes, maskFeather: 0 } }], SMALL)) {
    assert.ok(outcome.ok)
    assert.equal(outcome.result.image.width, 240)
  }
  await client.close()
})

test('what is no mask is told before anything is sent', async () => {
  const emulator = await Emulator.start()
  const client = new Client({ baseUrl: emulator.url, apiKey: 'key' })
  const source: ImageInput = { data: new Uint8Array(12 * 8 * 3), width: 12, height: 8 }
  await assert.rejects(client.edit('a hat', source, { mask: new Box(4, 4, 2, 8) }), ImageError)
  await assert.rejects(client.edit('a hat', source, { mask: { data: new Uint8Array(4), width: 2, height: 2 } }), /2x2.*12x8/)
  await assert.rejects(client.edit('a hat', source, { keepOutside: true }), (error) => {
    assert.ok(error instanceof InvalidOptionError)
    assert.equal(error.option, 'keepOutside')
    return true
  })
  // @ts-expect-error: it is no option of `generate`
  await assert.rejects(client.generate('a hat', { mask: new Box(0, 0, 1, 1) }), /belongs to `edit`/)
  assert.equal(emulator.requests.length, 0)
  await client.close()
  await emulator.close()
})
