// An emulator in a process of its own: the command of this tree.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ours } from './setup.mjs'

export async function startEmulator() {
  const child = spawn(ours('nanobanana'), ['emulate', '--port', '0'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const url = await new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => fail(new Error(`the emulator ended with ${code}`)))
    createInterface({ input: child.stdout }).once('line', done)
  })
  return { url, close: () => child.kill() }
}
