// Written by core/cli/tests/generated.rs from core/cli/tests/generated/verbs.rs.
// Change that; the test rewrites this file.

import { apart, type Door } from './door'
import type { EmulatorRequest } from './emulator'
import type {
  ChatTurn, EditOptions, Estimate, Explained, File, FileOptions, GenerateOptions, ImageInput, Item, ManyOptions, ModelInfo,
  Pictures, Prompt, RecordOptions, ScriptStep, Spent, TokenCount, UploadOptions,
} from './generated'
import { brand, unique } from './identity'
import { plainPath } from './image'
import { Client } from './index.js'
import { Outcomes } from './many'
import { record, type Result } from './record'
import { EventStream } from './stream'

/** What a whole conversation can be told; each turn may be told something else. */
export type ChatOptions = Omit<GenerateOptions, 'signal' | 'attachments'>

/** What one turn can be told, and the pictures that go with its prompt. */
export type TurnOptions = GenerateOptions & { images?: Pictures | null | undefined }

/** What an estimate, a count or an explanation of a call can be told, and the pictures that go with its prompt. */
export type EstimateOptions = EditOptions & { images?: Pictures | null | undefined }

/** What a client can do. */
export class ClientVerbs {
  static { brand(this, 'ClientVerbs') }

  readonly #door: Door

  /** @internal */
  constructor(door: Door) {
    unique(this, 'Client')
    this.#door = door
  }

  /**
   * Draw a picture from a prompt: a text, or a list of texts and pictures. If none comes, that is a
   * `NoImageError` or a `BlockedError`.
   */
  async generate(prompt: Prompt, options?: GenerateOptions): Promise<Result> {
    return record('Result', await this.#door.call('generate', prompt, [], options))
  }

  /**
   * Draw a picture from others, and from what the prompt says about them. They are one or a list of
   * them, in whatever form they are at hand. With a `mask` only that part of the first one changes, and
   * every other pixel stays as it is.
   */
  async edit(prompt: Prompt, images: Pictures, options?: EditOptions): Promise<Result> {
    return record('Result', await this.#door.call('edit', prompt, images, options))
  }

  /** Draw a picture and hand out what arrives on the way: thoughts, text, pictures. */
  generateStream(prompt: Prompt, options?: GenerateOptions): EventStream {
    return new EventStream(this.#door, 'generate_stream', prompt, [], options)
  }

  /** Draw a picture from others and hand out what arrives on the way. */
  editStream(prompt: Prompt, images: Pictures, options?: EditOptions): EventStream {
    return new EventStream(this.#door, 'edit_stream', prompt, images, options)
  }

  /**
   * Make many calls, several at once, and hand out what comes of each. Prompts are taken as there is
   * room for them; one with pictures, options or a name of its own is a map of `prompt`, `images`,
   * `options` and `id`. A failure is an outcome; what would fail every call is raised, when those under
   * way have ended.
   */
  generateMany(prompts: Iterable<Prompt | Item> | AsyncIterable<Prompt | Item>, options?: ManyOptions): Outcomes {
    return new Outcomes(this.#door, 'generate_many', prompts, options)
  }

  /** Begin a conversation. The options are those of every turn that says nothing else. */
  chat(options?: ChatOptions): Chat {
    return new Chat(this.#door.next(this.#door.callSync('chat', options)))
  }

  /**
   * Go on with a conversation that was saved, also by another language. The options go before those in
   * the file.
   */
  async loadChat(path: string | URL, options?: Omit<GenerateOptions, 'attachments'>): Promise<Chat> {
    const told = { ...options, path: plainPath(path) }
    return new Chat(this.#door.next(await this.#door.keyless.call('load_chat', [], [], told)))
  }

  /** The models of the catalogue, the recommended one first; nothing is asked of the service. */
  async models(): Promise<ModelInfo[]> {
    return record<{ models: ModelInfo[] }>('Models', await this.#door.keyless.call('models', [], [])).models
  }

  /**
   * What a call with this prompt, these pictures and options will cost: a range, and what it assumes.
   * Options are checked as the call checks them; no file or URL is read, and nothing is sent.
   */
  async estimate(prompt: Prompt, options?: EstimateOptions): Promise<Estimate> {
    const { plain, own: images } = apart(options, 'images')
    return record('Estimate', await this.#door.keyless.call('estimate', prompt, images ?? [], plain))
  }

  /**
   * How many tokens a call with this prompt, these pictures and options would send, as the service
   * counts them. That is free.
   */
  async countTokens(prompt: Prompt, options?: EstimateOptions): Promise<TokenCount> {
    const { plain, own: images } = apart(options, 'images')
    return record('TokenCount', await this.#door.call('count_tokens', prompt, images ?? [], plain))
  }

  /** The files that were uploaded, and what uploads more. */
  get files(): Files {
    return new Files(this.#door.next(this.#door.callSync('files')))
  }

  /**
   * What becomes of each picture before it is sent, and why: from what to what, and whether something is
   * lost. It is the plan by which the call itself works: files are read, URLs fetched and pictures
   * encoded; nothing is sent to the service.
   */
  async explain(prompt: Prompt, options?: EstimateOptions): Promise<Explained> {
    const { plain, own: images } = apart(options, 'images')
    return record('Explained', await this.#door.keyless.call('explain', prompt, images ?? [], plain))
  }

  /** What this client and its copies have spent in this process, and what may have been billed. */
  get spent(): Spent {
    return record('Spent', this.#door.callSync('spent'))
  }
}

/**
 * A conversation: what was said and drawn goes back with every turn. A turn that fails, or is refused,
 * leaves it as it was; one to which the model drew nothing stays.
 */
export class Chat {
  static { brand(this, 'Chat') }

  readonly #door: Door

  /** @internal */
  constructor(door: Door) {
    unique(this, 'Chat')
    this.#door = door
  }

  /**
   * Say something and get the answer. An answer in words only is a result without images. A turn that is
   * blocked or fails leaves the conversation as it was; one to which the model drew nothing stays. Sends
   * at the same time queue.
   */
  async send(prompt: Prompt, options?: TurnOptions): Promise<Result> {
    const { plain, own: images } = apart(options, 'images')
    return record('Result', await this.#door.call('send', prompt, images ?? [], plain))
  }

  /**
   * Say something and hand out what arrives on the way. A stream that is left before its end leaves the
   * conversation as it was.
   */
  sendStream(prompt: Prompt, options?: TurnOptions): EventStream {
    const { plain, own: images } = apart(options, 'images')
    return new EventStream(this.#door, 'send_stream', prompt, images ?? [], plain)
  }

  /**
   * Put a turn into the history that was not said here. It is of the "user" (the default), or as the
   * "model" might have made it, with pictures that the model did not make.
   */
  async add(prompt: Prompt, options?: { images?: Pictures; role?: 'user' | 'model'; signal?: AbortSignal }): Promise<void> {
    const { plain, own: images } = apart(options, 'images')
    await this.#door.keyless.call('add', prompt, images ?? [], { role: 'user', ...plain })
  }

  /**
   * Write the conversation to a file of this name, which is replaced as the pictures' `save` does it,
   * and return its path. `loadChat` goes on from there. Without an extension, .chat.json is added. The
   * key and headers are not in it.
   */
  async save(path: string | URL): Promise<string> {
    return record('string', await this.#door.keyless.call('save', [], [], { path: plainPath(path) }))
  }

  /**
   * Take back the last thing that was said and its answer, and tell whether there is one. While a send
   * is under way this takes effect when that has ended, and its turn counts as one.
   */
  undo(): boolean {
    return record('boolean', this.#door.callSync('undo'))
  }

  /**
   * Another conversation that has said the same so far. Pictures are shared, not copied. While a send is
   * under way it branches off behind that, and what is sent to it waits.
   */
  branch(): Chat {
    return new Chat(this.#door.next(this.#door.callSync('branch')))
  }

  /**
   * Leave all pictures but the last `keep` (none by default) out of later requests, and drop them. While
   * a send is under way this takes effect when that has ended.
   */
  dropImages(keep = 0): void {
    this.#door.callSync('drop_images', { keep })
  }

  /** What was said and drawn so far. */
  get history(): ChatTurn[] {
    return record<{ turns: ChatTurn[] }>('History', this.#door.callSync('history')).turns
  }
}

/**
 * Uploaded files: pictures, videos and documents that are sent by reference. They live 48 hours, are
 * free, and are seen by their own project alone.
 */
export class Files {
  static { brand(this, 'Files') }

  readonly #door: Door

  /** @internal */
  constructor(door: Door) {
    unique(this, 'Files')
    this.#door = door
  }

  /**
   * Upload a file of any type and wait until it can be used: a path, a file's bytes, a picture in
   * whatever form it is at hand. It goes in chunks; one that is lost goes again from where the service
   * has it. What comes is taken wherever a picture is.
   */
  async upload(source: ImageInput, options?: UploadOptions): Promise<File> {
    return record('File', await this.#door.call('upload', [], source, options))
  }

  /**
   * What the service knows of a file, by its name ("files/abc"), its URI or an earlier record. One that
   * is not there, or not any more, is a `PermissionDeniedError` or a `NotFoundError`.
   */
  async get(file: string | File, options?: FileOptions): Promise<File> {
    return record('File', await this.#door.call('get', [], file, options))
  }

  /** All files of the project. */
  async list(options?: FileOptions): Promise<File[]> {
    return record<{ files: File[] }>('Files', await this.#door.call('list', [], [], options)).files
  }

  /** Delete a file before its time. */
  async delete(file: string | File, options?: FileOptions): Promise<void> {
    await this.#door.call('delete', [], file, options)
  }
}

/** What an emulator can do. */
export class EmulatorVerbs {
  static { brand(this, 'EmulatorVerbs') }

  readonly #door: Door

  /** @internal */
  constructor(door: Door) {
    unique(this, 'Emulator')
    this.#door = door
  }

  /** What a client takes as `baseUrl`. */
  get url(): string {
    return record('string', this.#door.callSync('url'))
  }

  /**
   * With TLS, the file of its authority's certificate: what a client takes as `caBundle`. It is gone
   * with the emulator.
   */
  get caBundle(): string | null {
    return record('string', this.#door.callSync('ca_bundle'))
  }

  /** What it was asked so far, in order. */
  get requests(): EmulatorRequest[] {
    return record('Requests', this.#door.callSync('requests'))
  }

  /** Set the next replies: `{ status }`, `{ image: 'png 8x8' }`, `{ hang: true }` and more. */
  script(steps: ReadonlyArray<ScriptStep>): void {
    this.#door.callSync('script', { steps })
  }

  /**
   * Begin or stop to answer with recorded calls, and to record them. What is not set stays as it is; if
   * nothing is set, it draws again.
   */
  async record(options?: RecordOptions): Promise<void> {
    await this.#door.keyless.call('record', [], [], options)
  }

  /** Stop it and free its port. */
  async close(): Promise<void> {
    await this.#door.keyless.call('close', [], [])
  }
}

let shared: Client | undefined

/** `generate` of one client that is made when it is first needed. */
export async function generate(prompt: Prompt, options?: GenerateOptions): Promise<Result> {
  return (shared ??= new Client()).generate(prompt, options)
}

/** `edit` of one client that is made when it is first needed. */
export async function edit(prompt: Prompt, images: Pictures, options?: EditOptions): Promise<Result> {
  return (shared ??= new Client()).edit(prompt, images, options)
}

/** Sets the client that `generate` and `edit` of this module use; none makes a new one when needed. */
export function setDefaultClient(client: Client | undefined): void {
  shared = client
}
