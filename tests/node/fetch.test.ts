import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { Client, Emulator, Image, ImageError, NanoBananaError, Reference, type ImageInput } from 'nanobanana-sdk'
import { root } from './helpers'

const path = join(root, 'tests', 'media', 'dot.png')
const dot = readFileSync(path)

/** A server of pictures, and as a proxy all of the internet: it leads where a URL says. */
async function web(use: (port: number, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const target = request.url ?? ''
    seen.push(target)
    const place = target.split('/to?')[1]
    if (place === undefined) response.end(dot)
    else response.writeHead(302, { location: place }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use((server.address() as AddressInfo).port, seen)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

async function emulated(use: (emulator: Emulator) => Promise<void>): Promise<void> {
  const emulator = await Emulator.start()
  try {
    await use(emulator)
  } finally {
    await emulator.close()
  }
}

test('a picture of the web is fetched, and redirects are followed', () =>
  emulated((emulator) =>
    web(async (port, seen) => {
      const url = `http://127.0.0.1:${port}`
      const client = new Client({ apiKey: 'a-key-of-mine', baseUrl: emulator.url, allowPrivateUrls: true })
      await client.edit('at night', [`${url}/a.png`, `${url}/to?/b.png`])
      assert.deepEqual([...seen].sort(), ['/a.png', '/b.png', '/to?/b.png'])
      client.close()
    }),
  ))

test('a picture is fetched through a proxy, and nothing private behind it', () =>
  emulated((emulator) =>
    web(async (port, seen) => {
      const client = new Client({ apiKey: 'a-key-of-mine', baseUrl: emulator.url, proxy: `http://localhost:${port}` })
      await client.edit('at night', 'http://pictures.example.com/a.png')
      for (const place of ['http://10.0.0.1/', 'http://localhost/', 'http://db/', 'file:///etc/passwd']) {
        await assert.rejects(client.edit('at night', `http://pictures.example.com/to?${place}`), ImageError)
      }
      assert.ok(seen.every((target) => target.startsWith('http://pictures.example.com/')), String(seen))
      client.close()
    }),
  ))

test('no text becomes a file if the client opens none', () =>
  emulated(async (emulator) => {
    const client = new Client({ apiKey: 'a-key-of-mine', baseUrl: emulator.url, localFiles: false })
    const named: ImageInput[] = [path, pathToFileURL(path), 'file:///etc/passwd', 'no/such.png', new Reference(path)]
    const why = (error: Error) => error instanceof NanoBananaError && error.message.includes('localFiles')
    for (const images of named) {
      await assert.rejects(client.edit('at night', images), (error: Error) => error instanceof ImageError && why(error))
      // A reference is no mask, whatever it names.
      if (!(images instanceof Reference)) await assert.rejects(client.edit('at night', dot, { mask: images }), why)
    }
    await assert.rejects(client.generate('at night', { attachments: [path] }), why)
    await assert.rejects(client.files.upload(path), why)
    await assert.rejects(client.chat().send('at night', { images: path }), why)
    assert.equal(emulator.requests.length, 0)
    await client.edit('at night', [dot, await Image.open(path)])
    client.close()
  }))
