import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client, Emulator, type ClientOptions } from 'nanobanana-sdk'

export const root = join(__dirname, '..', '..')

/** An emulator and a client of it for the time of a test. */
export async function offline(
  use: (client: Client, emulator: Emulator) => Promise<void>,
  options: ClientOptions = {},
): Promise<void> {
  const emulator = await Emulator.start()
  try {
    await use(new Client({ baseUrl: emulator.url, apiKey: 'test-key', ...options }), emulator)
  } finally {
    await emulator.close()
  }
}

/** Waits until something is so; fails after half a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 30_000
  while (!holds()) {
    assert.ok(Date.now() < end, `waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a program prints, run by Node itself (without tsx) in the package's folder. */
export async function node(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const options = { cwd: root, timeout: 120_000, env }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return stdout.trim()
}
