// Pictures of other programs look as those show them; the table is the one that Rust and Python read.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { Image, ImageError } from 'nanobanana-sdk'
import { root } from './helpers'

type Row = { error: string } | { size: [number, number]; channels: number; expected: string }

const folder = join(root, 'tests', 'media', 'real')
const table = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Row>

/** Reads PNGs of 8-bit grey, RGB and RGBA, without the help of what is tested. */
function png(bytes: Buffer): { width: number; height: number; channels: number; data: Uint8Array } {
  const parts: Buffer[] = []
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') {
      parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)))
    }
  }
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  const channels = { 0: 1, 2: 3, 6: 4 }[bytes[25] ?? -1] ?? 0
  assert.deepEqual([bytes[24], bytes[28], channels > 0], [8, 0, true], 'a simple PNG')
  const lines = inflateSync(Buffer.concat(parts))
  const row = width * channels
  const data = new Uint8Array(row * height)
  const at = (x: number, y: number): number => (x < 0 || y < 0 ? 0 : (data[y * row + x] ?? 0))
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (row + 1)]
    for (let x = 0; x < row; x++) {
      const [left, up, corner] = [at(x - channels, y), at(x, y - 1), x < channels ? 0 : at(x - channels, y - 1)]
      const guess = left + up - corner
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner
      const base = [0, left, up, (left + up) >> 1, paeth][filter ?? 0] ?? 0
      data[y * row + x] = (lines[y * (row + 1) + 1 + x] ?? 0) + base
    }
  }
  return { width, height, channels, data }
}

/** RGBA, colours multiplied by their alpha: what is transparent is of no colour. */
function seen({ channels, data }: { channels: number; data: Uint8Array }): number[] {
  const all: number[] = []
  for (let at = 0; at < data.length; at += channels) {
    const alpha = channels === 4 ? (data[at + 3] ?? 0) : 255
    for (let channel = 0; channel < 3; channel++) {
      all.push(((data[at + (channels === 1 ? 0 : channel)] ?? 0) * alpha) / 255)
    }
    all.push(alpha)
  }
  return all
}

test('pictures of other programs are seen as they see them', async () => {
  for (const [name, row] of Object.entries(table)) {
    const read = async (): Promise<Buffer> => {
      const image = await Image.open(join(folder, name))
      if ('size' in row) assert.deepEqual([image.width, image.height], row.size, name)
      // One that is a PNG already would come back as it is.
      const isPng = image.mimeType === 'image/png'
      return (await (isPng ? image.resize(image.width, image.height) : image.convert('png'))).bytes
    }
    if ('error' in row) {
      await assert.rejects(read, (error) => error instanceof ImageError && error.message.includes(row.error), name)
      continue
    }
    const ours = png(await read())
    const theirs = png(readFileSync(join(folder, row.expected)))
    assert.deepEqual([ours.width, ours.height, ours.channels], [...row.size, row.channels], name)
    const expected = seen(theirs)
    const total = seen(ours).reduce((sum, value, at) => sum + Math.abs(value - (expected[at] ?? 0)), 0)
    assert.ok(total / expected.length <= 2, `${name}: ${total / expected.length}`)
  }
})
