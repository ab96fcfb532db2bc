// What a user may hand in, told apart and put into the core's terms. What only JavaScript can read
// (a Blob, a stream) is read here; everything else is looked at by the core.

import { isAnyArrayBuffer } from 'node:util/types'
import { ImageError, InvalidOptionError } from './generated'
import { Image } from './image'
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
  | Image | ArrayBufferView | ArrayBuffer | URL | Blob | RawPixels | SharpOutput
  | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

/** A picture: as an object, or the path or URL (`http:`, `data:`, `gs:`, Files API) of one. */
export type ImageInput = string | PictureObject

/** A prompt: words, or words and pictures in turn. A string in it is always words. */
export type Prompt = string | ReadonlyArray<string | PictureObject>

/** One picture, or a list of them. */
export type Pictures = ImageInput | ReadonlyArray<ImageInput>

type Read = NativeInput | Promise<NativeInput>
type Ready = [prompt: NativeInput[], images: NativeInput[]]

/**
 * The inputs of a call in the core's terms; a promise only if something must be read first. Then
 * (and if `late`) memory is copied now: what its owner does with it after the call must not show.
 */
export function inputs(prompt: unknown, images: unknown, signal: AbortSignal | null | undefined, late: boolean): Ready | Promise<Ready> {
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw new InvalidOptionError('the prompt must be a text, or a list of texts and pictures', { option: 'prompt' })
  }
  let index = 0
  const words = [prompt].flat().map((item): Read => (typeof item === 'string' ? { text: item } : picture(item, index++, signal)))
  const read = [...words, ...[images].flat().map((item) => picture(item, index++, signal))]
  const waits = read.some((item) => item instanceof Promise)
  for (const item of waits || late ? read : []) if ('bytes' in item) item.bytes = item.bytes.slice()
  const ready = (all: NativeInput[]): Ready => [all.slice(0, words.length), all.slice(words.length)]
  return waits ? Promise.all(read).then(ready) : ready(read as NativeInput[])
}

function picture(item: unknown, index: number, signal: AbortSignal | null | undefined): Read {
  if (typeof item === 'string') return { named: item }
  if (typeof item !== 'object' || item === null) throw refuse(index, `is ${item === null ? 'null' : `a ${typeof item}`}`)
  if (item instanceof Image) return { image: Image.native(item) }
  if (ArrayBuffer.isView(item)) return { bytes: view(item) }
  if (isAnyArrayBuffer(item)) return { bytes: new Uint8Array(item) }
  if (item instanceof URL) return { named: item.href }
  const stream = item instanceof Blob ? item.stream() : item
  if (Symbol.asyncIterator in stream) {
    const read = collect(stream as AsyncIterable<unknown>, index, signal)
    // Should another input be refused meanwhile, nobody waits for this one.
    read.catch(() => {})
    return read
  }
  if ('data' in item && ArrayBuffer.isView(item.data)) {
    const { info = item as unknown as SharpOutput['info'], data } = item as SharpOutput
    // What sharp encoded is a file, whatever else is said of it.
    if ((info.format ?? 'raw') !== 'raw') return { bytes: view(data) }
    if ('width' in info && 'height' in info) return pixels(info as RawPixels, data, index)
  }
  throw refuse(index, `is an object of the class ${item.constructor?.name ?? 'Object'}`)
}

function pixels(size: Omit<RawPixels, 'data'>, data: ArrayBufferView, index: number): NativeInput {
  const { width, height, channels = data.byteLength / (width * height) } = size
  if (![width, height, channels].every((value) => Number.isInteger(value) && value > 0)) {
    throw refuse(index, `has ${data.byteLength} bytes of pixels, which do not fit ${width} x ${height} x ${channels}`)
  }
  return { bytes: view(data), width, height, channels }
}

const view = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

async function collect(stream: AsyncIterable<unknown>, index: number, signal: AbortSignal | null | undefined): Promise<NativeInput> {
  const parts: Uint8Array[] = []
  const iterator = stream[Symbol.asyncIterator]()
  // A Node stream ends at once by `destroy`; an iterator that waits can only be left behind.
  const off = signal && onAbort(signal, () => void (stream as { destroy?: () => void }).destroy?.())
  try {
    for (let piece = await iterator.next(); !piece.done; piece = await iterator.next()) {
      if (!ArrayBuffer.isView(piece.value)) throw refuse(index, `is a stream of ${typeof piece.value} values, not of bytes`)
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
  const kinds = 'an Image, a path or URL, bytes, a Blob, a stream of bytes, or pixels as { data, width, height }'
  return new ImageError(`picture ${index} ${problem}; a picture is ${kinds}`, { index, input: null })
}
