// The benchmarks take minutes and a release build; here only that their scripts start and know their words.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const bench = (...words: string[]) => spawnSync(process.execPath, ['tests/bench/run.mjs', ...words], { encoding: 'utf8' })

test('the benchmark lists its cases', () => {
  const { status, stdout, stderr } = bench('--list')
  assert.equal(status, 0, stderr)
  for (const name of ['import', 'small', 'reply20', 'flight', 'chat', 'decode']) assert.match(stdout, new RegExp(`^${name} `, 'm'))
})

test('a case or a flag that is not known is refused, with those that are', () => {
  for (const word of ['no-such-case', '--fast']) {
    const { status, stderr } = bench(word)
    assert.equal(status, 2)
    assert.ok(stderr.includes(word) && stderr.includes('reply20') && stderr.includes('--quick'), stderr)
  }
})

test('what runs in a process of its own can be read', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--check', 'tests/bench/client.mjs'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
