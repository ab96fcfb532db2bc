// Runs the examples as they are, against an emulator that only the environment names.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cache, here, inNpm, node, python, root, run } from './setup.mjs'

/** The chat in a folder of its own, with three turns and one that is refused; what it wrote. */
async function chatApp(env) {
  const folder = join(cache, 'scratch', 'chat-app')
  mkdirSync(folder)
  copyFileSync(join(root, 'examples', 'chat-app', 'chat.mjs'), inNpm('chat.mjs'))
  const child = spawn(node, [inNpm('chat.mjs')], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let [out, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text })
  child.stdin.end('A mascot for a bakery\n\nNow waving\nNow in the rain\n')
  const code = await new Promise((done) => child.once('close', done))
  assert.equal(code, 0, errors)
  assert.equal(errors, '')
  assert.match(out, /drawn offline.*\n\[picture-1\.jpeg\][^]*\[picture-2\.jpeg\][^]*\[picture-3\.jpeg\]/)
  assert.deepEqual(readdirSync(folder), ['picture-1.jpeg', 'picture-2.jpeg', 'picture-3.jpeg'])
}

/** What is wrong with them. */
export async function examples(env) {
  const done = await Promise.allSettled([
    chatApp(env),
    run(python, [join(here, 'notebook.py'), join(root, 'examples', 'notebook.ipynb')], { env }),
  ])
  return done.filter(({ status }) => status === 'rejected').map(({ reason }) => `an example: ${reason.stack}`)
}
