// A call whose answer is handed out while it arrives.

import { contextOf, type Door } from './door'
import type { Event } from './generated'
import { brand, disposable, unique } from './identity'
import { record, settle } from './record'
import { onAbort } from './signal'

const END = { done: true, value: undefined } as const

/** The contexts in which streams were made: for `onEvent`, as long as the stream lives, which the context may hold. */
const contexts = new WeakMap<object, object>()

/** What nobody holds any more is let go: signals that are listened to, and calls that are under way. */
export const dropped = new FinalizationRegistry((act: () => void) => act())

/**
 * What `for await` reads while it arrives. What goes wrong is thrown. Leaving the loop ends what is under
 * way at once, and so do `close` and the signal.
 */
export abstract class Reader<T> implements AsyncIterableIterator<T, undefined> {
  static { disposable(this) }

  readonly #opened: Promise<Door>
  readonly #own = new AbortController()
  #off: (() => void) | undefined
  #over = false
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(door: Door, verb: string, prompt: unknown, images: unknown, options?: { signal?: AbortSignal | null | undefined } | null, opens = door) {
    unique(this, new.target.name)
    const signal = options?.signal
    // One that is no signal, or is aborted already, is left to the call.
    const heard = typeof signal?.throwIfAborted === 'function' && !signal.aborted ? signal : undefined
    if (heard) {
      // A signal may live long; it must not keep the stream.
      const self = new WeakRef(this)
      this.#off = onAbort(heard, () => {
        const stream = self.deref()
        if (stream) stream.#stop(heard.reason)
      })
      dropped.register(this, this.#off)
    }
    const told = signal == null || heard ? { ...options, signal: this.#own.signal } : options
    const context = contextOf(door)
    if (context) contexts.set(this, context)
    this.#opened = opens.call(verb, prompt, images, told, context && new WeakRef(context)).then((reply) => door.next(reply))
    // Told to whoever asks for what comes.
    this.#opened.catch(() => {})
  }

  /** What comes next, from the core; undefined at the end. @internal */
  protected abstract read(door: Door): Promise<{ value: T | undefined; last: boolean }>

  /** The next one, as soon as it arrives. */
  next(): Promise<IteratorResult<T, undefined>> {
    // Those who ask at the same time are served in their order.
    const turn = this.#turn.then(() => this.#next())
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) return END
    try {
      const { value, last } = await this.read(await this.#opened)
      this.#own.signal.throwIfAborted()
      if (last) void this.close()
      return value === undefined ? END : { done: false, value }
    } catch (error) {
      if (this.#over) return END
      const { aborted, reason } = this.#own.signal
      void this.close()
      throw aborted ? reason : error
    }
  }

  /** Ends what is under way at once; nothing more comes then. */
  async close(): Promise<void> {
    this.#over = true
    this.#stop()
  }

  /** What `for await` calls when its loop is left early. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close()
    return END
  }

  [Symbol.asyncIterator](): this { return this }
  [Symbol.asyncDispose](): Promise<void> { return this.close() }

  #stop(reason?: unknown): void {
    this.#off?.()
    this.#own.abort(reason)
    this.#opened.then(({ native }) => native.close(), () => {})
  }
}

/**
 * The events of one call, for `for await`: thoughts, text and final pictures as they arrive, then one
 * `done` with the whole result. What goes wrong is thrown; `error.partial` then has what had arrived.
 * Leaving the loop ends the request at once, and so do `close` and the signal.
 */
export class EventStream extends Reader<Event> {
  static { brand(this, 'EventStream') }

  /** @internal */
  protected override async read({ native }: Door): Promise<{ value: Event | undefined; last: boolean }> {
    const event = record<Event | null>('Event', settle(await native.call('next', null, {})))
    return { value: event ?? undefined, last: !event || event.type === 'done' }
  }
}
