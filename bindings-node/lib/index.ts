// Google's Nano Banana (Gemini) image models. What is promised here is kept in Rust: this file gives
// it JavaScript's manners (promises, signals, classes) and decides nothing.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { held } from './error'
import { InvalidOptionError, NanoBananaError, NoImageError } from './generated'
import type { ClientOptions, GenerateOptions, ModelInfo, ResultFields } from './generated'
import { Image } from './image'
import { inputs, type ImageInput, type Prompt } from './input'
import { native, settle, type NativeClient, type NativeEmulator, type NativeImage, type Reply } from './native'
import { onAbort, unlessAborted } from './signal'

export * from './generated'
export { Image } from './image'
export type { ErrorJSON } from './error'
export type { ImageInput, PictureObject, Prompt, RawPixels, SharpOutput } from './input'

type KeySource = () => string | Promise<string>
type Pictures = ImageInput | ReadonlyArray<ImageInput>

/** A client made elsewhere, on its way into the constructor. */
class Made {
  constructor(readonly client: NativeClient, readonly key: KeySource | undefined) {}
}

/**
 * A client of the image API. It may be used by any number of calls at once. Without `apiKey` the
 * variables GOOGLE_API_KEY and GEMINI_API_KEY are read; without any key it throws a `ConfigError`.
 */
export class Client {
  readonly #native: NativeClient
  readonly #key: KeySource | undefined
  /** The client that has the key which the function gave last. */
  #keyed: { key: string; client: NativeClient } | undefined
  #closed = false

  constructor(options?: ClientOptions) {
    const made = (options as unknown) instanceof Made ? (options as unknown as Made) : open(options, false)
    this.#native = made.client
    this.#key = made.key
    for (const warning of this.#native.warnings()) process.emitWarning(warning, 'NanoBananaWarning')
  }

  /** A client of an emulator of its own: no key, no network, no cost. It does not keep the process alive. */
  static async offline(options?: ClientOptions): Promise<Client> {
    return new Client(open(options, true) as unknown as ClientOptions)
  }

  /** Draws a picture from a prompt. Throws a `NoImageError` or a `BlockedError` if none came. */
  async generate(prompt: Prompt, options?: GenerateOptions): Promise<Result> {
    return result(await this.#call('generate', prompt, [], options))
  }

  /** Draws a picture from others, and from what the prompt says about them. */
  async edit(prompt: Prompt, images: Pictures, options?: GenerateOptions): Promise<Result> {
    return result(await this.#call('edit', prompt, images, options))
  }

  /** The models that the catalogue knows; nothing is asked of the service. */
  async models(): Promise<ModelInfo[]> { return JSON.parse((await this.#call('models', [], [])).json).models }

  /** The same client with other options; those that are not set stay. */
  withOptions(options: ClientOptions): Client {
    const { plain, key } = keySource(options)
    const given = key ?? (plain.apiKey == null ? this.#key : undefined)
    return new Client(new Made(settle(this.#native.withOptions(plain)), given) as unknown as ClientOptions)
  }

  /** Ends idle connections, and the emulator of an offline client; every later call is a `ConfigError`. */
  async close(): Promise<void> {
    this.#closed = true
    this.#native.close()
    this.#keyed?.client.close()
  }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }

  /** Never shows the key. */
  [inspect.custom](_depth: number, options: object): string {
    return `Client ${inspect(JSON.parse(this.#native.describe()), options)}`
  }

  async #call(verb: string, prompt: Prompt, images: unknown, options?: GenerateOptions): Promise<Reply> {
    const { plain, own: signal } = apart(options, 'signal')
    if (signal != null && typeof (signal as Partial<AbortSignal>).throwIfAborted !== 'function') {
      throw new InvalidOptionError('option `signal` takes an AbortSignal', { option: 'signal' })
    }
    signal?.throwIfAborted()
    // Until the core has the inputs nothing is awaited unless it must be: their owner may change them.
    const ready = inputs(prompt, images, signal ?? undefined, this.#key !== undefined)
    const [words, pictures] = ready instanceof Promise ? await unlessAborted(ready, signal) : ready
    const client = this.#key && !this.#closed ? await unlessAborted(this.#withKey(this.#key), signal) : this.#native
    const handle = signal ? new native.Cancel() : undefined
    const off = signal && onAbort(signal, () => handle?.cancel())
    try {
      const outcome = await client.call(verb, words, pictures, plain, handle)
      signal?.throwIfAborted()
      return settle(outcome)
    } finally {
      off?.()
    }
  }

  async #withKey(source: KeySource): Promise<NativeClient> {
    const key = await source()
    if (this.#keyed?.key !== key) this.#keyed = { key, client: settle(this.#native.withOptions({ apiKey: key })) }
    return this.#keyed.client
  }
}

function open(options: ClientOptions | undefined, offline: boolean): Made {
  const { plain, key } = keySource(options)
  // The client is checked now, with a key in the place of those that the function will give.
  return new Made(settle(native.openClient(key ? { ...plain, apiKey: 'given-for-each-call' } : plain, offline)), key)
}

function keySource(options: ClientOptions | undefined): { plain: ClientOptions; key: KeySource | undefined } {
  const { plain, own: key } = apart(options, 'apiKey')
  return typeof key === 'function' ? { plain, key } : { plain: options ?? {}, key: undefined }
}

/** The options, and beside them the one that only JavaScript can hold. */
function apart<T extends object, K extends keyof T>(options: T | null | undefined, name: K): { plain: T; own: T[K] | undefined } {
  if (options == null) return { plain: {} as T, own: undefined }
  if (typeof options !== 'object') throw new InvalidOptionError(`the options must be an object, not a ${typeof options}`)
  if (!(name in options)) return { plain: options, own: undefined }
  const { [name]: own, ...plain } = options
  return { plain: plain as T, own }
}

/** What a call gave: pictures, text, and all that the service told about them. */
export interface Result extends ResultFields {}

export class Result {
  /** @internal */
  constructor(fields: ResultFields) { Object.assign(this, fields) }

  /** The first final picture. `generate` and `edit` never give a result without one. */
  get image(): Image {
    const [image] = this.images
    if (image) return image
    const { text, finishReason, usage, cost, responseId, attempts } = this
    const message = 'this answer holds text only; `text` has it'
    throw new NoImageError(message, { text, finishReason, usage, cost, responseId, attempts })
  }

  /** Saves every final picture in this folder, which is made if needed, and gives the paths. */
  async save(folder: string): Promise<string[]> {
    await mkdir(folder, { recursive: true })
    return Promise.all(this.images.map((image, index) => image.save(join(folder, `image-${index + 1}`))))
  }

  /** The whole result as plain data, without the pictures' bytes. */
  toJSON(): Record<string, unknown> { return JSON.parse(JSON.stringify({ ...this })) }
}

function result({ json, pictures }: Reply): Result {
  return new Result(revive('Result', JSON.parse(json), pictures.values()) as ResultFields)
}

/** Puts what JSON cannot hold into a record: its pictures, in order, and its errors. */
function revive(kind: string, json: unknown, pictures: Iterator<NativeImage>): unknown {
  if (json === null) return null
  if (Array.isArray(json)) return json.map((item) => revive(kind, item, pictures))
  if (kind === 'Image') return Image.wrap(pictures.next().value as NativeImage)
  if (kind === 'NanoBananaError') return NanoBananaError.fromJSON(json as never)
  const record = json as Record<string, unknown>
  for (const [field, kept] of Object.entries(held.get(kind) ?? {})) record[field] = revive(kept, record[field], pictures)
  return record
}

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

let shared: Client | undefined

/** `generate` of one client that is made when it is first needed. */
export async function generate(prompt: Prompt, options?: GenerateOptions): Promise<Result> {
  return (shared ??= new Client()).generate(prompt, options)
}

/** `edit` of one client that is made when it is first needed. */
export async function edit(prompt: Prompt, images: Pictures, options?: GenerateOptions): Promise<Result> {
  return (shared ??= new Client()).edit(prompt, images, options)
}

/** Sets the client that `generate` and `edit` of this module use; none makes a new one when needed. */
export function setDefaultClient(client: Client | undefined): void { shared = client }
