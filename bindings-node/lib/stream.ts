// A call whose answer is handed out while it arrives.

import type { Door } from './door'
import type { Event, GenerateOptions } from './generated'
import { record, settle } from './record'
import { onAbort } from './signal'

const END = { done: true, value: undefined } as const

/** Streams that nobody holds any more stop listening to their signals. */
const dropped = new FinalizationRegistry((off: () => void) => off())

/**
 * The events of one call, for `for await`: thoughts, text and final pictures as they arrive, then one
 * `done` with the whole result. What goes wrong is thrown; `error.partial` then has what had arrived.
 * Leaving the loop ends the request at once, and so do `close` and the signal.
 */
export class EventStream implements AsyncIterableIterator<Event, undefined> {
  readonly #opened: Promise<Door>
  readonly #own = new AbortController()
  #off: (() => void) | undefined
  #over = false

  /** @internal */
  constructor(door: Door, verb: string, prompt: unknown, images: unknown, options?: GenerateOptions | null) {
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
    this.#opened = door.call(verb, prompt, images, told).then((reply) => door.next(reply))
    // Told to whoever asks for an event.
    this.#opened.catch(() => {})
  }

  /** The next event, as soon as it arrives. */
  async next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#over) return END
    try {
      const { native } = await this.#opened
      const outcome = await native.call('next', null, {})
      this.#own.signal.throwIfAborted()
      const event = record<Event | null>('Event', settle(outcome))
      if (!event || event.type === 'done') void this.close()
      return event ? { done: false, value: event } : END
    } catch (error) {
      if (this.#over) return END
      void this.close()
      throw error
    }
  }

  /** Ends the request at once; there are no more events then. */
  async close(): Promise<void> {
    this.#over = true
    this.#stop()
  }

  /** What `for await` calls when its loop is left early. */
  async return(): Promise<IteratorResult<Event, undefined>> {
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
