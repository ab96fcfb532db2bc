// The root of the error tree, and how an error becomes plain JSON and back. The tree itself and the
// rows of `held` are generated from the core's tables (`generated.ts`).

import { brand } from './identity'

/** An error as plain JSON, for where classes do not survive (worker threads, logs): `kind` is its class. */
export interface ErrorJSON {
  kind: string
  message: string
  cause?: string
  [field: string]: unknown
}

type ErrorClass = new (message: string, fields?: Readonly<Record<string, unknown>>) => NanoBananaError

const classes = new Map<string, ErrorClass>()

/** Which fields of a record JSON cannot hold (pictures, errors, records with such fields), and what they are. */
export const held = new Map<string, Readonly<Record<string, string>>>()

/** Anything that this library throws. */
export class NanoBananaError extends Error {
  static { kind(this, 'NanoBananaError', { call: null }) }
  /** The number of the call, as its events have it; null if it failed before it was ready to be made. */
  declare readonly call: number | null

  constructor(message: string, fields: Readonly<Record<string, unknown>> = {}) {
    const { kind: _kind, message: _message, cause, ...own } = fields
    super(message, cause === undefined ? undefined : { cause: typeof cause === 'string' ? new Error(cause) : cause })
    Object.assign(this, own)
  }

  /**
   * The error that `toJSON` was called on; one of a kind not known here is a `NanoBananaError`. JSON
   * holds no pictures, so that `partial.images` is empty.
   */
  static fromJSON(json: ErrorJSON): NanoBananaError {
    return make(json.partial ? { ...json, partial: { ...json.partial, images: [] } } : json)
  }

  toJSON(): ErrorJSON {
    const { cause: _cause, ...fields } = this as Record<string, unknown>
    const json: ErrorJSON = { kind: this.name, message: this.message, ...fields }
    if (this.cause !== undefined) json.cause = this.cause instanceof Error ? this.cause.message : String(this.cause)
    // Pictures become descriptions.
    return JSON.parse(JSON.stringify(json))
  }
}

/** The error of the class that `kind` names. @internal */
export function make(json: ErrorJSON): NanoBananaError {
  const Class = classes.get(json.kind) ?? NanoBananaError
  return new Class(json.message, json)
}

/** Gives a class its name, which minifiers leave alone, and its fields their value when not known. @internal */
export function kind(Class: ErrorClass, name: string, blank: Readonly<Record<string, unknown>>): void {
  classes.set(name, Class)
  brand(Class, name)
  for (const [field, value] of Object.entries({ name, ...blank })) {
    Object.defineProperty(Class.prototype, field, { value, writable: true, configurable: true })
  }
}
