// What a user may hand in. What only JavaScript can tell apart or read (a Blob, a stream) is sorted and
// read here; everything else is looked at in Rust.

import { isAnyArrayBuffer, isNativeError } from 'node:util/types'
import { InvalidOptionError } from './generated'
import { Image } from './image'
import { native, type Beside, type NativeInputs, type Sorted } from './native'
import { settle } from './record'
import { onAbort } from './signal'
import { Wrapper } from './wrapper'

/**
 * The inputs of a call, as the core has them; a promise only if something must be read first. Memory is
 * copied now: what its owner does with it after the call must not show.
 */
export function inputs(prompt: unknown, images: unknown, beside: Map<string, unknown>, signal: AbortSignal | null | undefined): NativeInputs | Promise<NativeInputs> {
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw new InvalidOptionError('the prompt must be a text, or a list of texts and pictures', { option: 'prompt' })
  }
  const streams: AsyncIterable<unknown>[] = []
  const words = [prompt].flat().map((item) => (typeof item === 'string' ? { text: item } : sort(item, streams)))
  const pictures: Array<Sorted | Beside> = [images].flat().map((item) => sort(item, streams))
  for (const [option, value] of beside) {
    if (value == null) continue
    const items = [value].flat()
    if (items.length === 0) pictures.push({ option, of: { none: true } })
    pictures.push(...items.map((item) => ({ option, of: sort(item, streams) })))
  }
  const read = settle(native.readInputs(words, pictures))
  if (streams.length === 0) return read
  const filled = streams.map(async (stream, at) => {
    try {
      read.fill(at, await collect(stream, signal))
    } catch (cause) {
      const why = isNativeError(cause) ? cause.message : String(cause)
      try {
        settle(read.fail(at, `its stream failed: ${why}`))
      } catch (error) {
        throw Object.assign(error as Error, { cause })
      }
    }
  })
  return Promise.all(filled).then(() => read)
}

const OPTIONS = native.inputOptions()

/** The options that are inputs, and the others; those of an item of many calls stand one level deeper. */
export function beside<T extends object>(options: T): { plain: T; beside: Map<string, unknown> } {
  const found = new Map<string, unknown>()
  let plain = options as Record<string, unknown>
  for (const name of OPTIONS) {
    if (!(name in plain)) continue
    const { [name]: value, ...rest } = plain
    found.set(name, value)
    plain = rest
  }
  const inner = plain['options']
  if (typeof inner === 'object' && inner !== null && OPTIONS.some((name) => name in inner)) {
    const below = beside(inner)
    below.beside.forEach((value, name) => found.set(name, value))
    plain = { ...plain, options: below.plain }
  }
  return { plain: plain as T, beside: found }
}

function sort(item: unknown, streams: AsyncIterable<unknown>[]): Sorted {
  if (typeof item === 'string') return { named: item }
  if (item instanceof URL) return { named: item.href }
  if (item instanceof Image) {
    const image = Image.native(item)
    return image ? { image } : { lent: item.bytes }
  }
  if (item instanceof Wrapper) {
    const { made, of, fields } = item.wrapped()
    return { made, fields, ...(of !== undefined && { of: sort(of, streams) }) }
  }
  if (ArrayBuffer.isView(item)) return { bytes: view(item) }
  if (isAnyArrayBuffer(item)) return { bytes: new Uint8Array(item) }
  const held = memory(item)
  if (held) return { bytes: view(held) }
  const stream = isSharp(item) ? once(item) : isBody(item) ? body(item) : item
  if (typeof stream !== 'object' || stream === null || !(Symbol.asyncIterator in stream)) return { other: item }
  streams.push(stream as AsyncIterable<unknown>)
  return { late: true }
}

/** The bytes in an object of another library: a file that multer keeps in memory, or what the AI SDK generated. */
function memory(item: unknown): ArrayBufferView | undefined {
  const { buffer, mimetype, uint8Array } = (item ?? {}) as Record<string, unknown>
  if (typeof mimetype === 'string' && ArrayBuffer.isView(buffer)) return buffer
  return ArrayBuffer.isView(uint8Array) ? uint8Array : undefined
}

interface Body { arrayBuffer(): Promise<ArrayBuffer>; stream?(): AsyncIterable<unknown>; body?: unknown; status?: number }

/** A Blob or the response of `fetch`, also of another implementation than Node's. */
function isBody(item: unknown): item is Body {
  return typeof item === 'object' && item !== null && typeof (item as Body).arrayBuffer === 'function'
}

async function* body(item: Body): AsyncGenerator<unknown> {
  const { status } = item
  if (typeof status === 'number' && (status < 200 || status > 299)) {
    throw new Error(`it is a response with the status ${status}; its content is not the picture`)
  }
  if (item instanceof Blob) yield* item.stream()
  else yield new Uint8Array(await item.arrayBuffer())
}

interface SharpInput { toBuffer(): Promise<Uint8Array>; clone(): SharpInput; autoOrient?(): SharpInput }

/** A picture that sharp works on; it is a stream, too, but one that only gives what was piped into it. */
function isSharp(item: unknown): item is SharpInput {
  const { toBuffer, metadata } = (item ?? {}) as Record<string, unknown>
  return typeof toBuffer === 'function' && typeof metadata === 'function'
}

/** sharp leaves out what Exif says of how a picture lies: it is turned before. (Those before 0.34 must be told so.) */
async function* once(picture: SharpInput): AsyncGenerator<Uint8Array> {
  yield await (picture.autoOrient ? picture.clone().autoOrient!() : picture).toBuffer()
}

const view = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

async function collect(stream: AsyncIterable<unknown>, signal: AbortSignal | null | undefined): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let iterator: AsyncIterator<unknown> | undefined
  // A Node stream ends at once by `destroy`; an iterator that waits can only be left behind.
  const off = signal && onAbort(signal, () => void (stream as { destroy?: () => void }).destroy?.())
  try {
    iterator = stream[Symbol.asyncIterator]()
    for (let piece = await iterator.next(); !piece.done; piece = await iterator.next()) {
      if (!ArrayBuffer.isView(piece.value)) throw new TypeError(`it gives a value of type ${typeof piece.value}, not bytes`)
      parts.push(view(piece.value))
    }
    return Buffer.concat(parts)
  } catch (cause) {
    await iterator?.return?.().catch(() => {})
    throw cause
  } finally {
    off?.()
  }
}

/** What `sharp` is needed for here. */
interface Sharp {
  rotate(): Sharp
  toColourspace(space: 'srgb'): Sharp
  raw(options: { depth: 'uchar' }): Sharp
  toBuffer(options: { resolveWithObject: true }): Promise<{ data: Uint8Array; info: { width: number; height: number; channels: number } }>
}

// Types that the core does not decode (AVIF, and HEIC where that `sharp` can): upright, in sRGB, 8 bits.
native.decodeBy(async (bytes) => {
  let sharp: (bytes: Uint8Array) => Sharp
  try {
    sharp = require('sharp')
  } catch {
    return null
  }
  const { data, info } = await sharp(bytes).rotate().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
})
