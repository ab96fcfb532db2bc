import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { join } from 'node:path'
import { root } from './helpers'

test('the types compile under strict, and refuse what they should', () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tests', 'node')], { stdio: 'pipe', encoding: 'utf8' })
})
