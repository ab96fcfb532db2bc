import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import * as nb from 'nanobanana-sdk'
import { offline } from './helpers'

const limited = {
  status: 429,
  headers: { 'retry-after': '7' },
  json: { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down' } },
}

async function caught(promise: Promise<unknown>): Promise<nb.NanoBananaError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof nb.NanoBananaError, inspect(error))
    return error
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

test('an error of the service is of its class, with its fields, and shows the call of the user', () =>
  offline(async (client, emulator) => {
    emulator.script([limited])
    async function myOwnFunction(): Promise<void> {
      await client.generate('a boat', { retry: false })
    }
    const error = await caught(myOwnFunction())
    assert.ok(error instanceof nb.RateLimitError && error instanceof nb.APIStatusError && error instanceof Error)
    assert.equal(error.name, 'RateLimitError')
    assert.deepEqual(
      [error.status, error.code, error.retryAfter, error.retryable, error.attempts.length],
      [429, 'RESOURCE_EXHAUSTED', 7, true, 1],
    )
    assert.match(error.stack ?? '', /^RateLimitError: .*slow down[\s\S]*myOwnFunction/)
  }))

test('an error survives as JSON', () =>
  offline(async (client, emulator) => {
    emulator.script([limited])
    const error = (await caught(client.generate('a boat', { retry: false }))) as nb.RateLimitError
    const json = structuredClone(error.toJSON())
    const again = nb.NanoBananaError.fromJSON(json)
    assert.ok(again instanceof nb.RateLimitError)
    assert.deepEqual(again.toJSON(), error.toJSON())
    assert.deepEqual(JSON.parse(JSON.stringify(error)), error.toJSON())
  }))

test('a cause is kept', async () => {
  const client = new nb.Client({ baseUrl: 'http://127.0.0.1:9', apiKey: 'k', retry: false })
  const error = await caught(client.generate('x'))
  assert.ok(error instanceof nb.APIConnectionError)
  assert.ok(error.cause instanceof Error)
  const again = nb.NanoBananaError.fromJSON(error.toJSON())
  assert.equal((again.cause as Error).message, error.cause.message)
})

test('a kind from the future is still an error of ours, and an error may be made by hand', () => {
  const future = nb.NanoBananaError.fromJSON({ kind: 'TomorrowError', message: 'hm', day: 1 })
  assert.equal(future.constructor, nb.NanoBananaError)
  const made = new nb.RateLimitError('slow')
  assert.deepEqual([made.message, made.retryAfter, made.attempts, made.retryable], ['slow', null, [], false])
})

test('what is not plain data is refused with its name', () =>
  offline(async (client, emulator) => {
    const self: Record<string, unknown> = { list: [] }
    self.self = self
    ;(self.list as unknown[]).push(self)
    const bad: Array<[unknown, string]> = [
      [{ aspect_ratio: '1:1' }, 'aspect_ratio'],
      [{ seed: NaN }, 'seed'],
      [{ extra: { a: { b: [0, Infinity] } } }, 'extra.a.b[1]'],
      [{ extra: { a: () => 1 } }, 'extra.a'],
      [{ extra: { a: 1n } }, 'extra.a'],
      [{ extra: { a: Symbol('x') } }, 'extra.a'],
      [{ extra: { a: [undefined] } }, 'extra.a[0]'],
      [{ extra: { when: new Date() } }, 'extra.when'],
      [{ headers: new Headers({ a: 'b' }) }, 'headers'],
    ]
    for (const [options, option] of bad) {
      const error = await caught(client.generate('x', options as nb.GenerateOptions))
      assert.ok(error instanceof nb.InvalidOptionError)
      assert.equal(error.option, option)
    }
    assert.match((await caught(client.generate('x', { extra: self }))).message, /holds itself/)
    const thrown = new Error('from the getter')
    const getter = Object.defineProperty({}, 'seed', { enumerable: true, get: () => { throw thrown } })
    await assert.rejects(client.generate('x', getter), (error) => error === thrown)
    assert.equal(emulator.requests.length, 0)
  }))

test('numbers, undefined and odd keys cross as they are', () =>
  offline(async (client, emulator) => {
    emulator.script([{ status: 400, json: { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'no' } } }])
    const odd = JSON.parse('{"__proto__": {"a": 1}, "é\\u0000": "😀"}')
    const labels = { big: 2 ** 40 + 1, most: Number.MAX_SAFE_INTEGER, less: -(2 ** 33), half: 0.5, gone: undefined, odd }
    await caught(client.generate('x', { seed: undefined, n: null, extra: { labels } }))
    const { gone: _gone, ...sent } = labels
    const body = emulator.requests[0]?.json as { labels: object; generationConfig?: object }
    assert.equal(JSON.stringify(body.labels), JSON.stringify(sent))
    assert.equal(body.generationConfig && 'seed' in body.generationConfig, undefined)
  }))

test('a key is never shown', async () => {
  const client = new nb.Client({ apiKey: 'very-secret', baseUrl: 'http://127.0.0.1:9', retry: false })
  const error = await caught(client.generate('x'))
  for (const text of [inspect(client), inspect(error), JSON.stringify(error), JSON.stringify(client), error.stack]) {
    assert.ok(!text?.includes('very-secret'), text)
  }
})
