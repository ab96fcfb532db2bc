import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { join } from 'node:path'
import { root } from './helpers'

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

test('the types compile under strict, and refuse what they should', () => {
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tests', 'node')], { stdio: 'pipe', encoding: 'utf8' })
})

test("a picture's bytes are a body, a part of a blob and a buffer under the types of browsers", () => {
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tests', 'node', 'dom')], { stdio: 'pipe', encoding: 'utf8' })
})
