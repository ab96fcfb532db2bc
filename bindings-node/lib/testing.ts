// For tests in Node: an emulator that lives as long as a test or a file of tests, in any test runner.

import { Client, Emulator } from './index'
import type { ClientOptions, EmulatorOptions } from './generated'

/** What a test runner gives a test to say what comes after it: `t` of node:test, the context of vitest. */
export interface Runs {
  after?: (work: () => unknown) => unknown
  onTestFinished?: (work: () => unknown) => unknown
}

/** An emulator and a client of it. */
export interface Emulated { emulator: Emulator; client: Client }

/**
 * Starts an emulator for a test; it is closed after it.
 *
 * With `cassette` it answers with recorded calls of the real service, and with `upstream` (and the key in
 * `client.apiKey`) it records those that are missing: see `EmulatorOptions`.
 *
 * @example
 * test('draws', async (t) => {
 *   const { client, emulator } = await emulated(t)
 *   await client.generate('a boat')
 *   assert.equal(emulator.requests.length, 1)
 * })
 */
export async function emulated(test: Runs, options: EmulatorOptions & { client?: ClientOptions } = {}): Promise<Emulated> {
  const { client: told, ...own } = options
  const after = test.after ?? test.onTestFinished
  if (typeof after !== 'function') {
    throw new TypeError('emulated takes what the test runner gives a test: `t` of node:test, the context of vitest')
  }
  const emulator = await Emulator.start(own)
  after.call(test, () => emulator.close())
  return { emulator, client: new Client({ apiKey: 'offline', ...told, baseUrl: emulator.url }) }
}
