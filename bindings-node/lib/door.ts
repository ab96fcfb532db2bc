// The one way by which everything that is public asks the core: inputs are read, the function that gives a key
// goes along, and a signal is heard.

import { AsyncResource } from 'node:async_hooks'
import { debuglog } from 'node:util'
import { InvalidOptionError, type ClientEvent, type ClientOptions } from './generated'
import { beside, inputs } from './input'
import { native, type Ask, type NativeDoor, type Reply, type Tell } from './native'
import { settle } from './record'
import { onAbort, unlessAborted } from './signal'

type KeySource = () => string | Promise<string>
type Watch = (event: ClientEvent) => void

const log = debuglog('nanobanana')

/** A native door, and the functions of its client: what gives the key of each attempt, and what watches. */
export class Door {
  constructor(readonly native: NativeDoor, readonly key?: KeySource | undefined, readonly life: Life = { closed: false }) {}

  /** The door of a new client. */
  static client(options: ClientOptions | undefined, offline: boolean): Door {
    const { plain, key, watcher } = functions(options)
    const onlyWarnings = !watcher.watch && !log.enabled
    const opened = settle(native.openClient(plain, offline, watcher.tell, onlyWarnings, key !== undefined))
    return new Door(opened, key, { closed: false, watcher })
  }

  /** The same client with other options. */
  withOptions(options: ClientOptions): Door {
    const { plain, key, watcher } = functions(options)
    const own = watcher.watch ? watcher : this.life.watcher
    const opened = settle(this.native.withOptions(plain, watcher.watch && watcher.tell, key !== undefined))
    return new Door(opened, key ?? (plain.apiKey == null ? this.key : undefined), { closed: false, watcher: own })
  }

  /** The same for calls that send nothing to the service: no key is asked for. */
  get keyless(): Door { return new Door(this.native, undefined, { closed: false, watcher: this.life.watcher }) }

  /** Calls what may wait; its events are told in `context`. */
  async call(verb: string, prompt: unknown, images: unknown, options?: object | null, context?: Held): Promise<Reply> {
    const { plain: others, own: signal } = apart(options as { signal?: AbortSignal } | undefined, 'signal')
    if (signal != null && typeof signal.throwIfAborted !== 'function') {
      throw new InvalidOptionError('option `signal` takes an AbortSignal', { option: 'signal' })
    }
    signal?.throwIfAborted()
    const own = context ? undefined : contextOf(this)
    const held = context ?? (own && { deref: () => own })
    // Until the core has the inputs nothing is awaited unless it must be: their owner may change them.
    const { plain, beside: more } = beside(others)
    const ready = inputs(prompt, images, more, signal)
    // A later send must not overtake this one while its pictures are read.
    const door = ready instanceof Promise ? this.native.placed(verb) : this.native
    const told = ready instanceof Promise ? await unlessAborted(ready, signal) : ready
    const handle = signal ? new native.Cancel() : undefined
    const off = signal && onAbort(signal, () => handle?.cancel())
    try {
      const number = held && this.life.watcher?.hold(held)
      const outcome = await door.call(verb, told, plain, handle, this.key && asking(this.key), number)
      signal?.throwIfAborted()
      const reply = settle(outcome)
      for (const warning of reply.warnings) process.emitWarning(warning, 'ImageWarning')
      return reply
    } finally {
      off?.()
    }
  }

  /** Calls what never waits, and takes no inputs: of options that are some the core only learns that they are set. */
  callSync(verb: string, options: object = {}): Reply {
    const { plain, beside: more } = beside(options)
    const set = [...more].filter(([, value]) => value != null).map(([name]) => [name, true])
    return settle(this.native.callSync(verb, { ...plain, ...Object.fromEntries(set) }))
  }

  /** The door that a call has opened. */
  next({ door }: Reply): Door { return new Door(door as NativeDoor, this.key, this.life) }

  close(): void {
    this.life.closed = true
    this.native.close()
  }
}

/** What functions that give keys have thrown, until it is told. */
const thrown = new Map<number, unknown>()
let throws = 0

/** What was thrown under this number. */
export function whatWasThrown(number: number): unknown {
  const error = thrown.get(number)
  thrown.delete(number)
  return error
}

/** Asks the function for a key of one call, in the context of that call. */
function asking(source: KeySource): Ask {
  // The core must not keep the function: it may hold the client, or the stream that asks. Those hold it.
  const weak = new WeakRef(source)
  return AsyncResource.bind(async () => {
    try {
      const key: unknown = await weak.deref()?.()
      return key == null ? {} : typeof key === 'string' ? { key } : { wrong: typeof key }
    } catch (error) {
      const number = (throws = (throws + 1) % 2 ** 32)
      thrown.set(number, error)
      // What nobody asks for, as with some of several pictures, is not kept for ever.
      if (thrown.size > 1000) thrown.delete(thrown.keys().next().value as number)
      return { thrown: number }
    }
  })
}

/** What needs no client: pictures, and the start of an emulator. */
export const tools = new Door(native.openTools())

/** What a client and all that comes of it share. */
type Life = { closed: boolean; watcher?: Watcher | undefined }

/** The context of a call (what `AsyncLocalStorage` reads), or a weak reference to it. */
type Held = { deref(): AsyncResource | undefined }

/** The context of the code that runs now, if somebody is to be called in it. */
export function contextOf(door: Door): AsyncResource | undefined {
  return door.life.watcher?.watch && new AsyncResource('NANOBANANA_CALL')
}

/** Hands events to `onEvent`, each in the context of its call, and to the log. */
class Watcher {
  /** For the core, which must not keep `onEvent`: that may hold the client. */
  readonly tell: Tell
  readonly #contexts: Map<number, Held>
  #last = 0

  constructor(readonly watch: Watch | undefined) {
    const weak = watch && new WeakRef(watch)
    const contexts = (this.#contexts = new Map<number, Held>())
    this.tell = (json, number) => {
      if (json == null) {
        contexts.delete(number)
        return
      }
      const event = JSON.parse(json) as ClientEvent
      log(event.message)
      // Who watches is told so; anybody else as of all that a process should be warned of.
      if (event.name === 'warning' && !weak) process.emitWarning(event.reason ?? event.message, 'NanoBananaWarning')
      const watch = weak?.deref()
      const context = contexts.get(number)?.deref()
      if (context) context.runInAsyncScope(() => watch?.(event))
      else watch?.(event)
    }
  }

  /** Keeps a context until the core says that its call has no more events; gives its number. */
  hold(context: Held): number {
    // Numbers are few enough for the core's 32 bits; those of calls under way are never as many.
    this.#last = (this.#last % 0xffff_ffff) + 1
    this.#contexts.set(this.#last, context)
    return this.#last
  }
}

type Functions = { plain: ClientOptions; key?: KeySource | undefined; watcher: Watcher }

/** The options, and beside them what only JavaScript can hold. */
function functions(options: ClientOptions | undefined): Functions {
  const { plain: others, own: watch } = apart(options, 'onEvent')
  const { plain, own: key } = apart(others, 'apiKey')
  if (watch != null && typeof watch !== 'function') {
    throw new InvalidOptionError('option `onEvent` takes a function of one event', { option: 'onEvent' })
  }
  const watcher = new Watcher(watch ?? undefined)
  return typeof key === 'function' ? { plain, key, watcher } : { plain: others, watcher }
}

/** The options, and beside them the one that only JavaScript can hold. */
export function apart<T extends object, K extends keyof T>(options: T | null | undefined, name: K): { plain: T; own?: T[K] } {
  if (options == null) return { plain: {} as T }
  if (typeof options !== 'object') throw new InvalidOptionError(`the options must be an object, not a value of type ${typeof options}`)
  if (!(name in options)) return { plain: options }
  const { [name]: own, ...plain } = options
  return { plain: plain as unknown as T, own }
}
