// The emulator: the API on loopback, for tests and for trying things out.

import { native, type NativeEmulator } from './native'
import { settle } from './record'

/** What the emulator was asked: `json` is the body, pictures as their sizes; `size` its length in bytes. */
export interface EmulatorRequest {
  method: string; path: string
  query: Record<string, string>; headers: Record<string, string>
  json: unknown; size: number
  /** Whether the client went away before it had its answer. */
  cancelled: boolean
}

/** The Gemini image API on loopback, as a real HTTP server. It does not keep the process alive. */
export class Emulator {
  readonly #native: NativeEmulator

  private constructor(running: NativeEmulator) { this.#native = running }

  /** Starts one; `port` 0, the default, takes a free one. */
  static async start(options: { port?: number } = {}): Promise<Emulator> {
    return new Emulator(settle(await native.startEmulator(options.port ?? 0)))
  }

  /** What a client takes as `baseUrl`. */
  get url(): string { return this.#native.url }
  /** What it was asked so far, in order. */
  get requests(): EmulatorRequest[] { return JSON.parse(this.#native.requests()) }
  /** Sets the next replies: `{ status }`, `{ image: 'png 8x8' }`, `{ hang: true }` and more. */
  script(steps: ReadonlyArray<Record<string, unknown>>): void { settle(this.#native.script(steps)) }
  /** Stops it and frees its port. */
  close(): Promise<void> { return this.#native.close() }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }
}
