// The emulator: the API on loopback, for tests and for trying things out.

import { tools, type Door } from './door'
import { EmulatorVerbs } from './verbs'

/** What the emulator was asked: `json` is the body, pictures as their sizes; `size` its length in bytes. */
export interface EmulatorRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  json: unknown
  size: number
  /** Whether the client went away before it had its answer. */
  cancelled: boolean
}

/** The Gemini image API on loopback, as a real HTTP server. It does not keep the process alive. */
export class Emulator extends EmulatorVerbs {
  private constructor(door: Door) { super(door) }

  /** Starts one; `port` 0, the default, takes a free one. */
  static async start(options: { port?: number } = {}): Promise<Emulator> {
    const port = options.port ?? 0
    return new Emulator(tools.next(await tools.call('start_emulator', [], [], { port })))
  }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }
}
