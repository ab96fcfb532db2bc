// Values of other libraries where a picture is expected: taken, or answered with what to do.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, type PictureObject } from 'nanobanana-sdk'
import { offline, root } from './helpers'

const dot = readFileSync(join(root, 'tests', 'media', 'dot.png'))

async function sent(client: Client, picture: unknown): Promise<number | undefined> {
  return (await client.explain(['x', picture as PictureObject])).inputs[0]!.sent.bytes ?? undefined
}

test('what holds the bytes of a picture is one', () => offline(async (client) => {
  const data = dot.toString('base64')
  const held: unknown[] = [
    new Response(dot),
    new Blob([dot]),
    { arrayBuffer: async () => new Uint8Array(dot).buffer },
    { inlineData: { mimeType: 'image/png', data } },
    { inline_data: { mime_type: 'image/png', data } },
    { fieldname: 'picture', mimetype: 'image/png', buffer: dot },
    { base64: data, uint8Array: new Uint8Array(dot), mediaType: 'image/png' },
  ]
  for (const picture of held) assert.equal(await sent(client, picture), dot.length)
}))

test('what is no picture is answered with what to do', () => offline(async (client) => {
  const result = await client.generate('a boat')
  await assert.rejects(sent(client, result), { name: 'ImageError', message: /`result\.image`/ })
  await assert.rejects(sent(client, new Response('not found', { status: 404 })), { name: 'ImageError', message: /status 404/ })
  await assert.rejects(sent(client, 7), { name: 'ImageError', message: /is a number/ })
  await assert.rejects(client.edit('x', dot, { mask: [0, 0, 1, 1] as never }), { message: /Box\(left, top, right, bottom\)/ })
  await assert.rejects(sent(client, { inlineData: { data: '*' + dot.toString('base64') } }), (error: Error) =>
    /not valid base64/.test(error.message) && !error.message.includes('iVBOR'))
}))

test('words that name a file are warned about', () => offline(async (client) => {
  const path = join(mkdtempSync(join(tmpdir(), 'words-')), 'cat.png')
  writeFileSync(path, dot)
  const { warnings } = await client.generate(['draw this', path])
  assert.ok(warnings.some((warning) => warning.includes('cat.png')))
}))
