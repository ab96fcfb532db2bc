import assert from 'node:assert/strict'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Image } from 'nanobanana-sdk'
import { node, root } from './helpers'

/** Runs an example without a key; gives what it prints and the files that it wrote. */
async function run(name: string): Promise<{ lines: string[]; folder: string; files: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  const { GOOGLE_API_KEY: _google, GEMINI_API_KEY: _gemini, ...env } = process.env
  const lines = (await node([join(root, 'bindings-node', 'examples', name), folder], env)).split('\n')
  return { lines, folder, files: (await readdir(folder)).map((file) => file.replace(/\.(jpg|png)$/, '')).sort() }
}

test('live-stream.mjs shows thoughts, drafts and the picture', async () => {
  const { lines, folder, files } = await run('live-stream.mjs')
  for (const word of ['thinks:', 'draft:', 'says:', 'final:', 'done:']) assert.ok(lines.some((line) => line.startsWith(word)), word)
  assert.deepEqual([files[0], files.at(-1)], ['draft-1', 'tides'])
  const final = lines.find((line) => line.startsWith('final:'))?.split(/: +/)[1] ?? ''
  assert.ok(final.startsWith(folder))
  assert.equal((await Image.open(final)).width, 1376)
})

test('edit-in-turns.mjs draws three turns, goes a step back and on from the file', async () => {
  const { lines, files } = await run('edit-in-turns.mjs')
  assert.deepEqual(files, ['hat', 'mascot.chat.json', 'turn-1', 'turn-2', 'turn-3'])
  assert.deepEqual(
    lines.filter((line) => line.startsWith('user: ')),
    ['user: A mascot for a bakery', 'user: Same mascot, now waving', 'user: Give it a chef’s hat'],
  )
})

test('masked-edit.mjs edits the sky and tells what the model changed elsewhere', async () => {
  const { lines, files } = await run('masked-edit.mjs')
  assert.deepEqual(files, ['changes', 'harbour', 'model', 'stormy'])
  const leak = Number(lines.find((line) => line.startsWith('leak:'))?.match(/[\d.]+/)?.[0])
  assert.ok(leak > 0 && leak < 0.1, lines.join('\n'))
})

test('many.mjs stops half-way and goes on', async () => {
  const { lines, files } = await run('many.mjs')
  const told = (start: string): string[] => lines.filter((line) => line.startsWith(start))
  // Five were seen before it stopped; others may have been on disk by then.
  assert.ok(told('on disk:').length >= 5, lines.join('\n'))
  assert.equal(told('drawn:').length + told('on disk:').length, 5 + 12)
  assert.ok(told('spent: ').length === 1 && told('estimate: ').length === 1)
  assert.equal(files.filter((file) => file.endsWith('.json')).length, 12)
})
