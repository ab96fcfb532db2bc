/// <reference types="node" preserve="true" />
// Google's Nano Banana (Gemini) image models. What is promised here is kept in Rust: this package gives
// it JavaScript's manners (promises, signals, classes) and decides nothing.

import { inspect } from 'node:util'
import { Door } from './door'
import type { ClientOptions } from './generated'
import { brand, disposable } from './identity'
import { record } from './record'
import { ClientVerbs } from './verbs'

export * from './generated'
export { Emulator, type EmulatorRequest } from './emulator'
export type { ErrorJSON } from './error'
export { Image } from './image'
export { Result } from './record'
export { Outcomes } from './many'
export { EventStream } from './stream'
export { Chat, Files, edit, generate, setDefaultClient, type ChatOptions, type EstimateOptions, type TurnOptions } from './verbs'

/**
 * A client of the image API. It may be used by any number of calls at once. Without `apiKey` the
 * variables GOOGLE_API_KEY and GEMINI_API_KEY are read; without any key it throws a `ConfigError`.
 * What `onEvent` throws is an uncaught exception, as from a listener of an `EventEmitter`. With the
 * variable NODE_DEBUG set to `nanobanana` the same steps are told on stderr.
 */
export class Client extends ClientVerbs {
  static { brand(this, 'Client'); disposable(this) }

  readonly #door: Door

  constructor(options?: ClientOptions)
  /** @internal */
  constructor(options: ClientOptions | undefined, door: Door)
  constructor(options?: ClientOptions, door = Door.client(options, false)) {
    super(door)
    this.#door = door
    for (const warning of this.#told().warnings) process.emitWarning(warning, 'NanoBananaWarning')
  }

  /** A client of an emulator of its own: no key, no network, no cost. It does not keep the process alive. */
  static async offline(options?: ClientOptions): Promise<Client> { return new Client(options, Door.client(options, true)) }

  /** The same client with other options; those that are not set stay. */
  withOptions(options: ClientOptions): Client { return new Client(options, this.#door.withOptions(options)) }

  /** Ends idle connections, and the emulator of an offline client; every later call is a `ConfigError`. */
  async close(): Promise<void> { this.#door.close() }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }

  /** Never shows the key. */
  [inspect.custom](_depth: number, options: object): string {
    return `Client ${inspect(this.#told().options, options)}`
  }

  #told(): { options: object; warnings: string[] } { return record('Told', this.#door.callSync('describe')) }
}
