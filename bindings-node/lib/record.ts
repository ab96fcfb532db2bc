// What comes back from a call, with what JSON cannot hold put into it: pictures and errors as
// objects. Which records hold such things is generated from the core's tables.

import { tools, whatWasThrown } from './door'
import { held, make, type ErrorJSON } from './error'
import { NoImageError, type ResultFields } from './generated'
import { brand } from './identity'
import { Image } from './image'
import type { NativeImage, Outcome, Reply } from './native'

/** What a call gave: pictures, text, and all that the service said about them. */
export interface Result extends ResultFields {}

export class Result {
  static { brand(this, 'Result') }

  /** @internal */
  constructor(fields: ResultFields) { Object.assign(this, fields) }

  /** The first final picture. Only an answer of a conversation may have none; then this throws a `NoImageError`. */
  get image(): Image {
    const [image] = this.images
    if (image) return image
    const { text, finishReason, usage, cost, responseId, attempts } = this
    const message = 'this answer holds text only; `text` has it'
    throw new NoImageError(message, { text, finishReason, usage, cost, responseId, attempts })
  }

  /** Of an edit with a mask, the model's first picture as it came. */
  get modelImage(): Image | null { return this.masked[0]?.modelImage ?? null }

  /** Of an edit with a mask, how much the model changed each pixel: see `MaskedEdit`. */
  get changeMap(): Image | null { return this.masked[0]?.changeMap ?? null }

  /** Of an edit with a mask, how much the model changed outside of it, 0 to 1: see `MaskedEdit`. */
  get leak(): number | null { return this.masked[0]?.leak ?? null }

  /**
   * Saves every final picture in this folder, which is made if needed, and gives the paths: image-1, image-2 and so
   * on. No file is replaced, also if other processes write there: a picture that is there already keeps its place, another
   * one gets the next free number.
   */
  async save(folder: string): Promise<string[]> {
    return record('paths', await tools.call('save_all', [], this.images, { path: folder }))
  }

  /** The whole result as plain data, without the pictures' bytes. */
  toJSON(): Record<string, unknown> { return JSON.parse(JSON.stringify({ ...this })) }
}

/** The value of an outcome; throws its error. */
export function settle<T>(outcome: Outcome<T>): T {
  if (typeof outcome !== 'object' || outcome === null || !('error' in outcome)) return outcome as T
  if (outcome.thrown != null) throw whatWasThrown(outcome.thrown)
  throw record('NanoBananaError', { json: outcome.error, pictures: outcome.pictures })
}

/** The reply as a record of this kind. */
export function record<T>(kind: string, { json, pictures }: Pick<Reply, 'json' | 'pictures'>): T {
  return revive(kind, JSON.parse(json), pictures.values()) as T
}

function revive(kind: string, json: unknown, pictures: Iterator<NativeImage>): unknown {
  if (Array.isArray(json)) return json.map((item) => revive(kind, item, pictures))
  if (typeof json !== 'object' || json === null) return json
  if (kind === 'Image') return Image.wrap(pictures.next().value as NativeImage)
  const record = json as Record<string, unknown>
  for (const [field, kept] of Object.entries(held.get(kind) ?? {})) {
    if (field in record) record[field] = revive(kept, record[field], pictures)
  }
  if (kind === 'NanoBananaError') return make(record as ErrorJSON)
  return kind === 'Result' ? new Result(record as unknown as ResultFields) : record
}
