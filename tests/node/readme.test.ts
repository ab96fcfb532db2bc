// The first screen for Node runs as the README writes it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const root = join(__dirname, '..', '..')

test('the first screen for Node runs as it is written', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, block] = /```ts\n([^]*?)```/.exec(readme) ?? []
  assert.ok(block, 'the README has a block of TypeScript')
  // Inside of the package, where its own name leads to it.
  const folder = await mkdtemp(join(root, 'tests', 'node', 'readme-'))
  try {
    await writeFile(join(folder, 'screen.mts'), block)
    const tsx = require.resolve('tsx')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, 'screen.mts'], { cwd: folder })
    assert.match(stdout, /^boat\.jpg 1376 768 0\.\d+\n$/)
    assert.ok((await readFile(join(folder, 'boat.jpg'))).length > 1000)
  } finally {
    await rm(folder, { recursive: true })
  }
})
