// A picture: its bytes stay in Rust until they are asked for.

import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { tools } from './door'
import type { Provenance } from './generated'
import { brand, equalBy } from './identity'
import { ImageVerbs } from './image_verbs'
import type { NativeImage, Reply } from './native'
import { settle } from './record'

/**
 * A picture that came from a call, or from a file. Pictures are deeply equal if their bytes are. To another thread
 * go its `bytes`: `structuredClone` and `postMessage` refuse an `Image`.
 */
export class Image extends ImageVerbs {
  static { brand(this, 'Image') }

  readonly #native: NativeImage
  #bytes: Buffer<ArrayBuffer> | undefined
  #original: Image | null | undefined

  private constructor(picture: NativeImage) {
    super()
    this.#native = picture
    equalBy(this, this.#identity)
  }

  /** @internal */
  static wrap = (picture: NativeImage): Image => new Image(picture)
  /** The native half; none of a picture of another copy of this package. @internal */
  static native = (image: Image): NativeImage | undefined => (#native in image ? image.#native : undefined)
  /** What was made of a picture: itself, if it is the same. @internal */
  static made(image: object, { pictures }: Reply): Image {
    const [picture] = pictures as [NativeImage]
    return picture.equals((image as Image).#native) ? (image as Image) : new Image(picture)
  }

  /** Reads a picture's file; throws an `ImageError` if it is not one. */
  static async open(path: string | URL): Promise<Image> {
    const { pictures } = await tools.call('open_image', [], [], { path: plainPath(path) })
    return new Image(pictures[0] as NativeImage)
  }

  /** The file's bytes, over Rust's memory and without a copy: not to be written to. Always the same `Buffer`.
   * Those of a picture that an earlier run left on disk are read when they are first asked for. */
  get bytes(): Buffer<ArrayBuffer> {
    // Node forbids a second Buffer over the same memory, so the first one is kept.
    return (this.#bytes ??= settle(this.#native.bytes()))
  }

  /** The type that the bytes say, for example "image/jpeg". */
  get mimeType(): string { return this.#native.mimeType }
  /** Width in pixels. */
  get width(): number { return this.#native.width }
  /** Height in pixels. */
  get height(): number { return this.#native.height }

  /**
   * What came, if this picture was made of it by `convert`, `resize` or the option `outputFormat`; null if this is
   * what came.
   */
  get original(): Image | null {
    // Kept, as its `Buffer` must be.
    if (this.#original === undefined) this.#original = wrapped(this.#native.original())
    return this.#original
  }

  /**
   * What its file says about how it was made: marks of C2PA, XMP and IPTC, found and not verified. All bytes are
   * looked through at each call.
   */
  get provenance(): Provenance { return JSON.parse(settle(this.#native.provenance())) as Provenance }

  /** A copy of the bytes as a `Blob` of the right type. */
  toBlob(): Blob { return new Blob([this.bytes as Uint8Array<ArrayBuffer>], { type: this.mimeType }) }

  /** The picture as a `data:` URL. */
  toDataURL(): string { return settle(this.#native.toDataURL()) }

  /** Whether both are the same bytes. */
  equals(other: Image): boolean {
    const native = Image.native(other)
    return native ? this.#native.equals(native) : this.bytes.equals(other.bytes)
  }

  #identity(): symbol {
    let of = 'bytes that cannot be read'
    try {
      // Loaded when needed: it is an eighth of what importing the package costs.
      const { createHash } = require('node:crypto') as typeof import('node:crypto')
      of = `SHA-256 ${createHash('sha256').update(this.bytes).digest('hex')}`
    } catch {
      return Symbol(of)
    }
    return Symbol.for(`an Image of nanobanana-sdk (${of}); post its \`bytes\` instead: an Image`)
  }

  /** What it is, without its bytes: `bytes` is how many there are. */
  toJSON(): { mimeType: string; width: number; height: number; bytes: number } {
    return { mimeType: this.mimeType, width: this.width, height: this.height, bytes: this.#native.size }
  }

  [inspect.custom](): string {
    const { size } = this.#native
    return `Image(${this.mimeType}, ${this.width}x${this.height}, ${size} ${size === 1 ? 'byte' : 'bytes'})`
  }
}

const wrapped = (picture: NativeImage | null): Image | null => (picture ? Image.wrap(picture) : null)

export const plainPath = (path: string | URL): string => (path instanceof URL ? fileURLToPath(path) : path)
