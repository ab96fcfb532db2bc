// The emulator: the API on loopback, for tests and for trying things out.

import { tools, type Door } from './door'
import type { EmulatorOptions } from './generated'
import { brand, disposable } from './identity'
import { EmulatorVerbs } from './verbs'

/** What the emulator was asked: `json` is the body, pictures as their sizes; `size` its length in bytes. */
export interface EmulatorRequest {
  /** When its head came, in milliseconds since the emulator's start. */
  at: number
  method: string
  path: string
  /** "1.0", "1.1" or "2". */
  httpVersion: string
  query: Record<string, string>
  headers: Record<string, string>
  json: unknown
  size: number
  /** That of the answer; null before it. */
  status: number | null
  /** Milliseconds until the answer's last byte; null before it. */
  took: number | null
  /** Whether the client went away, or reset the stream, before it had its answer. */
  cancelled: boolean
}

/** The Gemini image API on loopback, as a real HTTP server. It does not keep the process alive. */
export class Emulator extends EmulatorVerbs {
  static { brand(this, 'Emulator'); disposable(this) }

  private constructor(door: Door) { super(door) }

  /** Starts one. With `tls`, a client trusts it by `caBundle`. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    return new Emulator(tools.next(await tools.call('start_emulator', [], [], options)))
  }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }
}
