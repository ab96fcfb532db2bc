// The way to Google: HTTP/2 over TLS, against a server with a certificate of our own authority.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { APIConnectionError, Client, ConfigError, Emulator, InvalidOptionError, RateLimitError, type ScriptStep } from 'nanobanana-sdk'
import { node, until } from './helpers'

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

test('trusts the certificates of NODE_EXTRA_CA_CERTS, and warns of a file that is none', () =>
  withServer(async (baseUrl) => {
    const program = `
      const { Client } = require('nanobanana-sdk')
      const client = new Client({ baseUrl: ${JSON.stringify(baseUrl)}, apiKey: 'test-key-0123', retry: false })
      client.generate('a dot').then(({ image }) => console.log(image.width), ({ message }) => console.log(message))
      process.on('warning', ({ message }) => message.includes('NODE_EXTRA') && console.log(message))`
    const told = (file: string): Promise<string> => node(['-e', program], { ...process.env, NODE_EXTRA_CA_CERTS: file })
    assert.equal(await told(join(media, 'ca.pem')), '1')
    const missing = await told(join(media, 'no-such.pem'))
    assert.match(missing, /NODE_EXTRA_CA_CERTS is ignored: .*no-such\.pem is not a PEM file/)
    assert.match(missing, /certificate that is not trusted/)
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

async function withEmulator(use: (client: Client, emulator: Emulator) => Promise<void>): Promise<void> {
  const emulator = await Emulator.start({ tls: true })
  const client = new Client({ baseUrl: emulator.url, caBundle: emulator.caBundle, apiKey: 'k', retry: false })
  try {
    await use(client, emulator)
  } finally {
    client.close()
    await emulator.close()
  }
}

test('the emulator speaks TLS and HTTP/2 to a client that has its bundle', () =>
  withEmulator(async (client, emulator) => {
    assert.match(emulator.url, /^https:\/\/127\.0\.0\.1:\d+$/)
    assert.equal((await client.generate('a boat')).image.width, 1024)
    const [request] = emulator.requests
    assert.equal(request?.httpVersion, '2')
    assert.ok(request && request.at > 1 && request.at < 60_000)
    const distrustful = new Client({ baseUrl: emulator.url, apiKey: 'k', retry: false })
    await assert.rejects(distrustful.generate('a boat'), APIConnectionError)
  }))

test("Node's own TLS finds nothing wrong with the emulator's certificate", () =>
  withEmulator(async (_client, emulator) => {
    for (const url of [emulator.url, emulator.url.replace('127.0.0.1', 'localhost')]) {
      const options = { ca: readFileSync(emulator.caBundle ?? ''), headers: { 'x-goog-api-key': 'k' }, family: 4 }
      const status = await new Promise((resolve, reject) => {
        get(`${url}/v1beta/models`, options, (reply) => resolve(reply.resume().statusCode)).on('error', reject)
      })
      assert.equal(status, 200)
    }
    assert.deepEqual(emulator.requests.map((request) => request.httpVersion), ['1.1', '1.1'])
  }))

test('an aborted call resets its stream, and no other on its connection', () =>
  withEmulator(async (client, emulator) => {
    emulator.script([{ image: 'png 8x8' }, { hang: true }, { image: 'png 8x8', delay: 0.5 }])
    await client.generate('first')
    const controller = new AbortController()
    const stuck = client.generate('stuck', { signal: controller.signal })
    await until(() => emulator.requests.length === 2, 'the request')
    const other = client.generate('beside it')
    await until(() => emulator.requests.length === 3, 'the other request')
    controller.abort()
    await assert.rejects(stuck, { name: 'AbortError' })
    await until(() => emulator.requests[1]?.cancelled === true, 'the reset')
    assert.equal((await other).image.width, 8)
  }))

test('a fault of the stream is no picture, and the next call is', () =>
  withEmulator(async (client, emulator) => {
    const faults: ScriptStep[] = [{ cut: 'headers' }, { cut: 99 }, { length: 99 }, { length: -99 }, { goaway: true }]
    for (const step of faults) {
      emulator.script([{ image: 'png 64x64', ...step }, { image: 'png 8x8' }])
      await assert.rejects(client.generate('a boat'), APIConnectionError, JSON.stringify(step))
      assert.equal((await client.generate('a boat')).image.width, 8)
    }
  }))

test("an emulator's options are checked, and its bundle goes with it", async () => {
  await assert.rejects(Emulator.start({ port: -1 }), /`port` is -1; it takes 0 to 65535/)
  // @ts-expect-error a name that does not exist
  await assert.rejects(Emulator.start({ tsl: true }), (error) => error instanceof InvalidOptionError && /`tls`/.test(error.message))
  const plain = await Emulator.start({ keep: 2 })
  assert.equal(plain.caBundle, null)
  plain.script([{ status: 429, times: 3 }])
  const client = new Client({ baseUrl: plain.url, apiKey: 'k', retry: false })
  for (let call = 0; call < 3; call++) await assert.rejects(client.generate('a boat'), RateLimitError)
  assert.equal(plain.requests.length, 2)
  await plain.close()
  const emulator = await Emulator.start({ tls: true })
  const bundle = emulator.caBundle ?? ''
  assert.ok(existsSync(bundle))
  await emulator.close()
  assert.ok(!existsSync(dirname(bundle)))
})
