// The emulator: the API on loopback, for tests and for trying things out.

import { tools, type Door } from './door'
import { record } from './record'

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
  readonly #door: Door

  private constructor(door: Door) { this.#door = door }

  /** Starts one; `port` 0, the default, takes a free one. */
  static async start(options: { port?: number } = {}): Promise<Emulator> {
    const port = options.port ?? 0
    return new Emulator(tools.next(await tools.call('start_emulator', [], [], { port })))
  }

  /** What a client takes as `baseUrl`. */
  get url(): string { return record('string', this.#door.callSync('url')) }
  /** What it was asked so far, in order. */
  get requests(): EmulatorRequest[] { return record('Requests', this.#door.callSync('requests')) }
  /** Sets the next replies: `{ status }`, `{ image: 'png 8x8' }`, `{ hang: true }` and more. */
  script(steps: ReadonlyArray<Record<string, unknown>>): void { this.#door.callSync('script', { steps }) }
  /** Stops it and frees its port. */
  async close(): Promise<void> { await this.#door.call('close', [], []) }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }
}
