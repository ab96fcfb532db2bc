// What a user may hand in. What only JavaScript can tell apart or read (a Blob, a stream) is sorted and
// read here; everything else is looked at in Rust.

import { isAnyArrayBuffer } from 'node:util/types'
import { ImageError, InvalidOptionError } from './generated'
import { Image } from './image'
import { native, type NativeInputs, type Sorted } from './native'
import { settle } from './record'
import { onAbort } from './signal'

/**
 * The inputs of a call, as the core has them; a promise only if something must be read first. Memory is
 * copied now: what its owner does with it after the call must not show.
 */
export function inputs(prompt: unknown, images: unknown, signal: AbortSignal | null | undefined): NativeInputs | Promise<NativeInputs> {
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw new InvalidOptionError('the prompt must be a text, or a list of texts and pictures', { option: 'prompt' })
  }
  const streams: AsyncIterable<unknown>[] = []
  const words = [prompt].flat().map((item) => (typeof item === 'string' ? { text: item } : sort(item, streams)))
  const read = settle(native.readInputs(words, [images].flat().map((item) => sort(item, streams))))
  if (streams.length === 0) return read
  const filled = read.late.map(async (index, at) => read.fill(at, await collect(streams[at]!, index, signal)))
  return Promise.all(filled).then(() => read)
}

function sort(item: unknown, streams: AsyncIterable<unknown>[]): Sorted {
  if (typeof item === 'string') return { named: item }
  if (item instanceof URL) return { named: item.href }
  if (item instanceof Image) return { image: Image.native(item) }
  if (ArrayBuffer.isView(item)) return { bytes: view(item) }
  if (isAnyArrayBuffer(item)) return { bytes: new Uint8Array(item) }
  const stream = item instanceof Blob ? item.stream() : item
  if (typeof stream !== 'object' || stream === null || !(Symbol.asyncIterator in stream)) return { other: item }
  streams.push(stream as AsyncIterable<unknown>)
  return { late: true }
}

const view = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

async function collect(stream: AsyncIterable<unknown>, index: number, signal: AbortSignal | null | undefined): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let iterator: AsyncIterator<unknown> | undefined
  // A Node stream ends at once by `destroy`; an iterator that waits can only be left behind.
  const off = signal && onAbort(signal, () => void (stream as { destroy?: () => void }).destroy?.())
  try {
    iterator = stream[Symbol.asyncIterator]()
    for (let piece = await iterator.next(); !piece.done; piece = await iterator.next()) {
      if (!ArrayBuffer.isView(piece.value)) throw new TypeError(`it gives a ${typeof piece.value}, not bytes`)
      parts.push(view(piece.value))
    }
    return Buffer.concat(parts)
  } catch (cause) {
    await iterator?.return?.().catch(() => {})
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ImageError(`picture ${index}: its stream failed: ${why}`, { index, input: 'a stream', cause })
  } finally {
    off?.()
  }
}
