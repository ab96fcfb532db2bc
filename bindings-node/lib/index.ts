// Google's Nano Banana (Gemini) image models. What is promised here is kept in Rust: this package gives
// it JavaScript's manners (promises, signals, classes) and decides nothing.

import { inspect } from 'node:util'
import { Chat, type ChatOptions } from './chat'
import { Door } from './door'
import type { ClientOptions, GenerateOptions, ModelInfo } from './generated'
import { plainPath } from './image'
import type { Pictures, Prompt } from './input'
import { record, type Result } from './record'
import { EventStream } from './stream'

export * from './generated'
export { Chat, type ChatOptions, type TurnOptions } from './chat'
export { Emulator, type EmulatorRequest } from './emulator'
export type { ErrorJSON } from './error'
export { Image } from './image'
export type { ImageInput, PictureObject, Pictures, Prompt, RawPixels, SharpOutput } from './input'
export { Result } from './record'
export { EventStream } from './stream'

/**
 * A client of the image API. It may be used by any number of calls at once. Without `apiKey` the
 * variables GOOGLE_API_KEY and GEMINI_API_KEY are read; without any key it throws a `ConfigError`.
 */
export class Client {
  readonly #door: Door

  constructor(options?: ClientOptions)
  /** @internal */
  constructor(options: ClientOptions | undefined, door: Door)
  constructor(options?: ClientOptions, door = Door.client(options, false)) {
    this.#door = door
    for (const warning of this.#told().warnings) process.emitWarning(warning, 'NanoBananaWarning')
  }

  /** A client of an emulator of its own: no key, no network, no cost. It does not keep the process alive. */
  static async offline(options?: ClientOptions): Promise<Client> { return new Client(options, Door.client(options, true)) }

  /** Draws a picture from a prompt. Throws a `NoImageError` or a `BlockedError` if none came. */
  async generate(prompt: Prompt, options?: GenerateOptions): Promise<Result> {
    return record('Result', await this.#door.call('generate', prompt, [], options))
  }

  /** Draws a picture from others, and from what the prompt says about them. */
  async edit(prompt: Prompt, images: Pictures, options?: GenerateOptions): Promise<Result> {
    return record('Result', await this.#door.call('edit', prompt, images, options))
  }

  /** As `generate`, and hands out what arrives on the way. */
  generateStream(prompt: Prompt, options?: GenerateOptions): EventStream {
    return new EventStream(this.#door, 'generate_stream', prompt, [], options)
  }

  /** As `edit`, and hands out what arrives on the way. */
  editStream(prompt: Prompt, images: Pictures, options?: GenerateOptions): EventStream {
    return new EventStream(this.#door, 'edit_stream', prompt, images, options)
  }

  /** Begins a conversation. `options` are those of every turn that says nothing else. */
  chat(options?: ChatOptions): Chat { return new Chat(this.#door.next(this.#door.callSync('chat', options))) }

  /** Goes on with a conversation that was saved, also by another language; `options` go before those in the file. */
  async loadChat(path: string | URL, options?: GenerateOptions): Promise<Chat> {
    const told = { ...options, path: plainPath(path) }
    return new Chat(this.#door.next(await this.#door.keyless.call('load_chat', [], [], told)))
  }

  /** The models that the catalogue knows; nothing is asked of the service. */
  async models(): Promise<ModelInfo[]> {
    return record<{ models: ModelInfo[] }>('Models', await this.#door.keyless.call('models', [], [])).models
  }

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
