// The exports of the compiled core. Nothing here is public.

import { load } from './loader'

/** A value, or an error as JSON: the class is built by the caller, so that the stack is theirs. */
export type Outcome<T> = T | { error: string; pictures: NativeImage[]; thrown?: number }

/** One input that is told apart already; `other` is what the core has to look at, `late` is filled later. */
export type Sorted =
  | { text: string } | { named: string } | { image: NativeImage } | { bytes: Uint8Array } | { lent: Buffer }
  | { late: true } | { made: string; of?: Sorted | undefined; fields: object } | { other: unknown }
/** One that stands in an option; `none` in an empty list. */
export type Beside = { option: string; of: Sorted | { none: true } }

export interface NativeInputs {
  readonly late: number
  fill(late: number, bytes: Uint8Array): void
  fail(late: number, problem: string): { error: string; pictures: NativeImage[] }
}

export interface NativeImage {
  readonly mimeType: string
  readonly width: number; readonly height: number; readonly size: number
  bytes(): Outcome<Buffer<ArrayBuffer>>
  original(): NativeImage | null
  provenance(): Outcome<string>
  toDataURL(): Outcome<string>
  equals(other: NativeImage): boolean
}

export type Decoded = { data: Uint8Array; width: number; height: number; channels: number }

/**
 * Gets each step of a client's calls, as JSON, with the number of its call's context. Without one that context has no
 * more of them.
 */
export type Tell = (json: string | null | undefined, context: number) => void
/** Gives the key of an attempt; what it throws is kept under a number. */
export type Ask = () => Promise<{ key?: string; wrong?: string; thrown?: number }>
export type Cancel = { cancel(): void }
export type Reply = { json: string; pictures: NativeImage[]; door?: NativeDoor; warnings: string[] }

/** Hands signals over to a command. */
export interface Signals {
  names(): NodeJS.Signals[]
  tell(name: string): number | null
}

export interface NativeDoor {
  call(verb: string, inputs: NativeInputs | null, options: object, cancel?: Cancel, ask?: Ask, context?: number): Promise<Outcome<Reply>>
  placed(verb: string): NativeDoor
  callSync(verb: string, options: object): Outcome<Reply>
  withOptions(options: object, tell: Tell | undefined, asks: boolean): Outcome<NativeDoor>
  close(): void
}

interface Native {
  version(): string
  openClient(options: object, offline: boolean, tell: Tell, onlyWarnings: boolean, asks: boolean): Outcome<NativeDoor>
  openTools(): NativeDoor
  inputOptions(): string[]
  readInputs(prompt: Sorted[], images: Array<Sorted | Beside>): Outcome<NativeInputs>
  decodeBy(decode: (bytes: Uint8Array) => Promise<Decoded | null>): void
  run(args: string[], signals: Signals): Promise<number>
  Signals: new () => Signals
  Cancel: new () => Cancel
}

export const native: Native = load<Native>()
