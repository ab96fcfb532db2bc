// For tests in Node: an emulator that lives as long as a test or a file of tests, in any test runner.

import { Client, Emulator } from './index.js'
import type { ClientOptions, EmulatorOptions } from './generated'
import { disposable, unique } from './identity'

/**
 * What a test runner gives a test to say what comes after it: `t` of node:test, the context of Vitest, or
 * `{ onTestFinished }` of Vitest and bun:test.
 */
export interface Runs {
  after?: (work: () => Promise<void>) => unknown
  onTestFinished?: (work: () => Promise<void>) => unknown
}

/** What `emulated` can be told: the emulator's options, and those of its client. */
export type EmulatedOptions = EmulatorOptions & { client?: ClientOptions }

/** An emulator and a client of it. */
export class Emulated {
  static { disposable(this) }

  /** @internal */
  constructor(readonly emulator: Emulator, readonly client: Client) {
    unique(this, 'Emulated')
  }

  /** Closes both; twice is as good as once. */
  async close(): Promise<void> {
    await this.client.close()
    await this.emulator.close()
  }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }
}

/**
 * Starts an emulator for a test. It is closed after the test, if the runner gives something to say so by; else by
 * `close()`, or by `await using` where the language has it. It does not keep the process alive.
 *
 * With `cassette` it answers with recorded calls of the real service, and with `upstream` (and the key in
 * `client.apiKey`) it records those that are missing: see `EmulatorOptions`.
 *
 * @example
 * // node:test (`t`) and Vitest (the test's context)
 * test('draws', async (t) => {
 *   const { client, emulator } = await emulated(t)
 *   await client.generate('a boat')
 *   assert.equal(emulator.requests.length, 1)
 * })
 *
 * @example
 * // Jest, Mocha, bun:test and all others
 * let fake
 * beforeEach(async () => { fake = await emulated() })
 * afterEach(() => fake.close())
 */
export async function emulated(test?: Runs | null, options: EmulatedOptions = {}): Promise<Emulated> {
  const after = test?.after ?? test?.onTestFinished
  if (test != null && typeof after !== 'function') {
    throw new TypeError(
      'emulated takes what the test runner gives a test: `t` of node:test, the context of vitest, or { onTestFinished } ' +
        'of vitest or bun:test; elsewhere (Jest, Mocha) give null, and call `close()` in `afterEach`',
    )
  }
  const { client: told, ...own } = options
  const emulator = await Emulator.start(own)
  const made = new Emulated(emulator, new Client({ apiKey: 'offline', ...told, baseUrl: emulator.url }))
  after?.call(test, () => made.close())
  return made
}
