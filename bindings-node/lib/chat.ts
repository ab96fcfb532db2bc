// A conversation with a model.

import { apart, type Door } from './door'
import type { ChatTurn, GenerateOptions } from './generated'
import { plainPath } from './image'
import type { Pictures, Prompt } from './input'
import { record, type Result } from './record'
import { EventStream } from './stream'

/** What a whole conversation can be told; each turn may be told something else. */
export type ChatOptions = Omit<GenerateOptions, 'signal'>

/** What one turn can be told, and the pictures that go with its prompt. */
export type TurnOptions = GenerateOptions & { images?: Pictures | null | undefined }

/**
 * A conversation: what was said and drawn goes back to the model with every turn. A turn that fails, or
 * is refused, leaves it as it was; one to which the model drew nothing stays.
 */
export class Chat {
  readonly #door: Door

  /** @internal */
  constructor(door: Door) { this.#door = door }

  /** Says something and waits for the answer, which may be text only. Sends at the same time queue. */
  async send(prompt: Prompt, options?: TurnOptions): Promise<Result> {
    const { plain, own: images } = apart(options, 'images')
    return record('Result', await this.#door.call('send', prompt, images ?? [], plain))
  }

  /** As `send`, and hands out what arrives on the way. One that is left early leaves the conversation as it was. */
  sendStream(prompt: Prompt, options?: TurnOptions): EventStream {
    const { plain, own: images } = apart(options, 'images')
    return new EventStream(this.#door, 'send_stream', prompt, images ?? [], plain)
  }

  /** Takes back what was said last, and the answer to it; false if there was nothing. */
  undo(): boolean { return record('boolean', this.#door.callSync('undo')) }

  /** Another conversation that has said the same so far. */
  branch(): Chat { return new Chat(this.#door.next(this.#door.callSync('branch'))) }

  /** Puts a turn into the history that was not said here: of the "user" (the default), or as the "model" might have made it. */
  async add(prompt: Prompt, options: { images?: Pictures; role?: 'user' | 'model'; signal?: AbortSignal } = {}): Promise<void> {
    const { images = [], ...plain } = options
    await this.#door.keyless.call('add', prompt, images, { role: 'user', ...plain })
  }

  /** What was said and drawn so far. */
  get history(): ChatTurn[] { return record<{ turns: ChatTurn[] }>('History', this.#door.callSync('history')).turns }

  /** Leaves all pictures but the last `keep` (none by default) out of later requests, and lets go of them. */
  dropImages(keep = 0): void { this.#door.callSync('drop_images', { keep }) }

  /** Writes the conversation to a file, from which `loadChat` goes on, and gives its path; ".chat.json" is added if it has no extension. */
  async save(path: string | URL): Promise<string> {
    return record('string', await this.#door.keyless.call('save', [], [], { path: plainPath(path) }))
  }
}
