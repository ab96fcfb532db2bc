// The way to Google: HTTP/2 over TLS, against a server with a certificate of our own authority.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { APIConnectionError, Client, ConfigError } from 'nanobanana-sdk'

const media = join(__dirname, '..', 'media')
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

async function withServer(use: (baseUrl: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = []
  const options = { key: readFileSync(join(media, 'localhost.key')), cert: readFileSync(join(media, 'localhost.pem')), allowHTTP1: true }
  const server = createSecureServer(options, (request, response) => {
    seen.push(`${request.httpVersion} ${request.headers['content-length']}`)
    request.resume().on('end', () => {
      const parts = [{ inlineData: { mimeType: 'image/png', data: dot } }]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ candidates: [{ content: { parts }, finishReason: 'STOP' }] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await use(`https://localhost:${(server.address() as AddressInfo).port}`, seen)
  } finally {
    server.close()
  }
}

test('speaks HTTP/2 over TLS to a server that the ca_bundle vouches for', () =>
  withServer(async (baseUrl, seen) => {
    const client = new Client({ baseUrl, apiKey: 'test-key-0123', caBundle: join(media, 'ca.pem') })
    const result = await client.generate('a dot')
    assert.equal(result.image.width, 1)
    assert.match(seen[0] ?? '', /^2\.0 \d+$/)
    client.close()
  }))

test('refuses a server that nobody vouches for', () =>
  withServer(async (baseUrl, seen) => {
    const client = new Client({ baseUrl, apiKey: 'test-key-0123', retry: false })
    await assert.rejects(client.generate('a dot'), (error: unknown) => error instanceof APIConnectionError && /certificate/i.test(error.message))
    assert.deepEqual(seen, [])
    client.close()
  }))

test('says at once that a ca_bundle cannot be read', () => {
  assert.throws(() => new Client({ apiKey: 'test-key-0123', caBundle: 'no-such.pem' }), ConfigError)
})
