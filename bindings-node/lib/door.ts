// The one way by which everything that is public asks the core: inputs are read, a key that
// a function gives is fetched, and a signal is heard.

import { InvalidOptionError, type ClientOptions } from './generated'
import { inputs } from './input'
import { native, type NativeDoor, type Reply } from './native'
import { settle } from './record'
import { onAbort, unlessAborted } from './signal'

type KeySource = () => string | Promise<string>

/** A native door, and the function that gives the key for each call, if there is one. */
export class Door {
  constructor(readonly native: NativeDoor, readonly key?: KeySource, readonly life = { closed: false }) {}

  /** The door of a new client. */
  static client(options: ClientOptions | undefined, offline: boolean): Door {
    const { plain, key } = keySource(options)
    // The client is checked now, with a key in the place of those that the function will give.
    return new Door(settle(native.openClient(key ? { ...plain, apiKey: 'given-for-each-call' } : plain, offline)), key)
  }

  /** The same client with other options. */
  withOptions(options: ClientOptions): Door {
    const { plain, key } = keySource(options)
    return new Door(settle(this.native.withOptions(plain)), key ?? (plain.apiKey == null ? this.key : undefined))
  }

  /** The same for calls that send nothing to the service: no key is fetched. */
  get keyless(): Door { return new Door(this.native) }

  /** Calls what may wait. */
  async call(verb: string, prompt: unknown, images: unknown, options?: object | null): Promise<Reply> {
    const { plain, own: signal } = apart(options as { signal?: AbortSignal } | undefined, 'signal')
    if (signal != null && typeof signal.throwIfAborted !== 'function') {
      throw new InvalidOptionError('option `signal` takes an AbortSignal', { option: 'signal' })
    }
    signal?.throwIfAborted()
    // Until the core has the inputs nothing is awaited unless it must be: their owner may change them.
    const ready = inputs(prompt, images, signal)
    const told = ready instanceof Promise ? await unlessAborted(ready, signal) : ready
    const source = this.life.closed ? undefined : this.key
    const using = source && { apiKey: await unlessAborted(Promise.resolve().then(source), signal) }
    const handle = signal ? new native.Cancel() : undefined
    const off = signal && onAbort(signal, () => handle?.cancel())
    try {
      const outcome = await this.native.call(verb, told, plain, handle, using)
      signal?.throwIfAborted()
      return settle(outcome)
    } finally {
      off?.()
    }
  }

  /** Calls what never waits. */
  callSync(verb: string, options: object = {}): Reply { return settle(this.native.callSync(verb, options)) }

  /** The door that a call has opened. */
  next({ door }: Reply): Door { return new Door(door as NativeDoor, this.key, this.life) }

  close(): void {
    this.life.closed = true
    this.native.close()
  }
}

/** What needs no client: pictures, and the start of an emulator. */
export const tools = new Door(native.openTools())

function keySource(options: ClientOptions | undefined): { plain: ClientOptions; key?: KeySource } {
  const { plain, own: key } = apart(options, 'apiKey')
  return typeof key === 'function' ? { plain, key } : { plain: options ?? {} }
}

/** The options, and beside them the one that only JavaScript can hold. */
export function apart<T extends object, K extends keyof T>(options: T | null | undefined, name: K): { plain: T; own?: T[K] } {
  if (options == null) return { plain: {} as T }
  if (typeof options !== 'object') throw new InvalidOptionError(`the options must be an object, not a ${typeof options}`)
  if (!(name in options)) return { plain: options }
  const { [name]: own, ...plain } = options
  return { plain: plain as unknown as T, own }
}
