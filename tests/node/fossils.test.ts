// Answers of Node are those of tests/fossils; its README says how they are recorded anew.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { root } from './helpers'

type Part = 'report' | 'words'
type Entries = Record<string, unknown>

interface Fossils {
  record: () => Promise<Record<Part, Entries>>
  recorded: (part: Part) => Entries
}

const HOW = 'if that is wanted, `node tests/fossils/make.mjs` records it anew'
const isMap = (value: unknown): value is Entries => typeof value === 'object' && value !== null

/** Each place where two values differ, in words. */
function difference(was: unknown, now: unknown, at = ''): string[] {
  const [a, b] = [JSON.stringify(was), JSON.stringify(now)]
  if (a === b) return []
  if (!isMap(was) || !isMap(now) || Array.isArray(was) !== Array.isArray(now)) return [`${at}: was ${a}, is ${b}`]
  const keys = [...new Set([...Object.keys(was), ...Object.keys(now)])]
  const found = keys.flatMap((key) => difference(was[key], now[key], `${at}/${key}`))
  return found.length > 0 ? found : [`${at}: the order was ${Object.keys(was).join()}, is ${Object.keys(now).join()}`]
}

test('answers are as before, and messages have the words of before', async (t) => {
  for (const name of ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_API_VERSION']) delete process.env[name]
  const fossils = (await import(pathToFileURL(join(root, 'tests', 'fossils', 'answered.mjs')).href)) as Fossils
  const now = await fossils.record()
  await t.test('answers', () => {
    const found = difference(fossils.recorded('report'), now.report)
    assert.ok(found.length === 0, `${found.length} differences; ${HOW}\n${found.slice(0, 60).join('\n')}`)
  })
  await t.test('messages', () => {
    const found = difference(fossils.recorded('words'), now.words)
    assert.ok(found.length === 0, `${found.length} messages changed; ${HOW}\n${found.join('\n')}`)
  })
})

test('a difference is seen', () => {
  const was = { a: [{ x: 1, y: [1, 2] }] }
  assert.deepEqual(difference(was, structuredClone(was)), [])
  for (const now of [{}, { a: [] }, { a: [{ y: [1, 2], x: 1 }] }, { a: [{ x: '1', y: [1, 2] }] }, { a: [{ x: 1, y: [2, 1] }] }, { ...was, b: [] }]) {
    assert.ok(difference(was, now).length > 0, JSON.stringify(now))
  }
})
