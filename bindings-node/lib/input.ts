// What a user may hand in, told apart and put into the core's terms. What only JavaScript can read
// (a Blob, a stream) is read here; everything else is looked at by the core.

import { fileURLToPath } from 'node:url'
import { isAnyArrayBuffer } from 'node:util/types'
import { ImageError } from './generated'
import { Image, nativeOf } from './image'
import type { NativeInput } from './native'
import { onAbort } from './signal'

/** Pixels in rows from the top, `channels` bytes each (1, 3 or 4; by default what `data` has): also an `ImageData`. */
export interface RawPixels {
  data: Uint8Array | Uint8ClampedArray
  width: number
  height: number
  channels?: number
}

/** What `sharp` gives with `toBuffer({ resolveWithObject: true })`, raw or encoded. */
export interface SharpOutput {
  data: Uint8Array
  info: { width: number; height: number; channels: number; format?: string }
}

/** A picture in memory, or where to find it. */
export type PictureObject =
  | Image
  | ArrayBufferView
  | ArrayBuffer
  | URL
  | Blob
  | AsyncIterable<Uint8Array>
  | ReadableStream<Uint8Array>
  | RawPixels
  | SharpOutput

/** A picture: as an object, or the path or URL (`http:`, `data:`, `gs:`, Files API) of one. */
export type ImageInput = string | PictureObject

/** A prompt: words, or words and pictures in turn. A string in it is always words. */
export type Prompt = string | ReadonlyArray<string | PictureObject>

type Read = NativeInput | Promise<NativeInput>

/**
 * The inputs of a call in the core's terms; a promise only if something must be read first. Then
 * (and if `late`) memory is copied now: what its owner does with it after the call must not show.
 */
export function inputs(
  items: ReadonlyArray<unknown>,
  strings: 'text' | 'named',
  signal: AbortSignal | undefined,
  late: boolean,
  first = 0,
): NativeInput[] | Promise<NativeInput[]> {
  let index = first
  const read = items.map((item): Read => {
    if (typeof item === 'string' && strings === 'text') return { text: item }
    return picture(item, index++, signal)
  })
  const waits = read.some((item) => item instanceof Promise)
  if (waits || late) {
    for (const item of read) if ('bytes' in item) item.bytes = item.bytes.slice()
  }
  return waits ? Promise.all(read) : (read as NativeInput[])
}

function picture(item: unknown, index: number, signal: AbortSignal | undefined): Read {
  if (typeof item === 'string') return { named: item }
  if (typeof item !== 'object' || item === null) {
    throw refuse(index, `is ${item === null ? 'null' : `a ${typeof item}`}`)
  }
  if (item instanceof Image) {
    const image = nativeOf(item)
    if (image) return { image }
  }
  if (ArrayBuffer.isView(item)) return { bytes: view(item) }
  if (isAnyArrayBuffer(item)) return { bytes: new Uint8Array(item) }
  if (item instanceof URL) return address(item, index)
  if (item instanceof Blob) return item.arrayBuffer().then((bytes) => ({ bytes: new Uint8Array(bytes) }))
  if ('getReader' in item && typeof item.getReader === 'function') {
    return collect(pieces(item as ReadableStream<unknown>), index, signal)
  }
  if (Symbol.asyncIterator in item) return collect(item as AsyncIterable<unknown>, index, signal)
  if ('data' in item && ArrayBuffer.isView(item.data)) {
    if ('info' in item) {
      const { format, ...size } = item.info as SharpOutput['info']
      const raw = format === undefined || format === 'raw'
      return raw ? pixels({ ...size, data: item.data }, index) : { bytes: view(item.data) }
    }
    if ('width' in item && 'height' in item) return pixels(item as PixelObject, index)
  }
  throw refuse(index, `is an object of the class ${item.constructor?.name ?? 'Object'}`)
}

type PixelObject = Omit<RawPixels, 'data'> & { data: ArrayBufferView }

function pixels({ data, width, height, channels }: PixelObject, index: number): NativeInput {
  channels ??= data.byteLength / (width * height)
  for (const [name, value] of Object.entries({ width, height, channels })) {
    if (!Number.isInteger(value) || value < 1) {
      throw refuse(index, `has ${data.byteLength} bytes of pixels and the ${name} ${value}, which do not fit together`)
    }
  }
  return { bytes: view(data), width, height, channels }
}

function view(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function address(url: URL, index: number): NativeInput {
  if (url.protocol !== 'file:') return { named: url.href }
  try {
    return { path: fileURLToPath(url) }
  } catch (cause) {
    throw new ImageError(`picture ${index}: ${(cause as Error).message}`, { index, input: url.href, cause })
  }
}

async function* pieces(stream: ReadableStream<unknown>): AsyncGenerator<unknown> {
  const reader = stream.getReader()
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function collect(
  stream: AsyncIterable<unknown>,
  index: number,
  signal: AbortSignal | undefined,
): Promise<NativeInput> {
  const parts: Uint8Array[] = []
  const iterator = stream[Symbol.asyncIterator]()
  // A Node stream ends at once by `destroy`; an iterator that waits can only be left behind.
  const off = signal && onAbort(signal, () => void (stream as { destroy?: () => void }).destroy?.())
  try {
    for (let piece = await iterator.next(); !piece.done; piece = await iterator.next()) {
      if (!ArrayBuffer.isView(piece.value)) {
        throw refuse(index, `is a stream of ${typeof piece.value} values, not of bytes`)
      }
      parts.push(view(piece.value))
    }
  } catch (cause) {
    await iterator.return?.().catch(() => {})
    if (cause instanceof ImageError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ImageError(`picture ${index}: its stream failed: ${why}`, { index, input: 'a stream', cause })
  } finally {
    off?.()
  }
  return { bytes: Buffer.concat(parts) }
}

function refuse(index: number, problem: string): ImageError {
  return new ImageError(
    `picture ${index} ${problem}; a picture is an Image, a path or URL, a Buffer or other bytes, a Blob, ` +
      'a stream of bytes, or pixels as { data, width, height }',
    { index, input: null },
  )
}
