// Option names of other libraries, taken from their types: the answer has our name or says what to do.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { Client, InvalidOptionError, NanoBananaError, RateLimitError } from 'nanobanana-sdk'

import { root } from './helpers'

interface Row {
  name: string
  at: 'call' | 'client' | 'retry'
  ours: string[]
}

const names: Row[] = JSON.parse(readFileSync(join(root, 'tests', 'foreign_names.json'), 'utf8')).names
const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

async function refused({ name, at }: Row, client: Client): Promise<string | null> {
  const options = { [name]: 'aspect_ratio and imageSize of /tmp/image_size.png' }
  try {
    if (at === 'call') await client.generate('x', options as never)
    else if (at === 'client') new Client({ apiKey: 'test-key-0123', ...(options as object) })
    else await client.generate('x', { retry: options as never })
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.message
    if (!(error instanceof NanoBananaError)) throw error
  }
  return null
}

test('every foreign name is answered', async () => {
  assert.ok(names.length >= 120)
  const client = await Client.offline()
  const wrong: string[] = []
  for (const row of names) {
    if (row.ours.map(camel).includes(row.name)) continue
    const said = await refused(row, client)
    if (said === null) {
      wrong.push(`${row.name} is taken`)
      continue
    }
    const within = row.at === 'retry' ? 'retry.' : ''
    const lacks = row.ours.map(camel).filter((own) => !said.includes(`\`${within}${own}\``))
    const hint = said.includes('Did you mean') || said.includes('there are ')
    if (lacks.length > 0 || hint || !said.includes(`${row.name}\``)) wrong.push(`${row.name} lacks ${lacks}: ${said}`)
  }
  await client.close()
  assert.deepEqual(wrong, [])
})

test('a name in another spelling, and a value that looks like a name', async () => {
  const client = await Client.offline()
  const said = async (options: object) => {
    const error = await client.generate('x', options as never).then(
      () => null,
      (error: unknown) => error
    )
    assert.ok(error instanceof InvalidOptionError)
    return error
  }
  const spelling = await said({ aspect_ratio: '1:1' })
  assert.equal(spelling.message, 'option `aspect_ratio` is written `aspectRatio` in JavaScript')
  assert.deepEqual([spelling.option, spelling.hint], ['aspect_ratio', 'aspectRatio'])
  const value = await said({ outputFormat: '`image_size`' })
  assert.ok(value.message.includes('`image_size`'), value.message)
  assert.deepEqual(value.allowed, ['png', 'jpeg', 'webp'])
  await client.close()
})

test('a bare number for retry is refused with both spellings', () => {
  const retry = 3 as never
  assert.throws(
    () => new Client({ apiKey: 'test-key-0123', retry }),
    (error: unknown) =>
      error instanceof InvalidOptionError &&
      error.message.includes('`retry: { maxAttempts: 3 }` makes 3 calls') &&
      error.message.includes('`retry: { maxAttempts: 4 }` retries 3 times')
  )
})

test('retryAfter is in seconds and retryAfterMs in milliseconds, also of an error that was saved before', () => {
  const error = NanoBananaError.fromJSON({ kind: 'RateLimitError', message: 'slow', retryAfter: 1.5 })
  assert.ok(error instanceof RateLimitError)
  assert.deepEqual([error.retryAfter, error.retryAfterMs], [1.5, 1500])
  assert.equal(new RateLimitError('slow').retryAfterMs, null)
})
