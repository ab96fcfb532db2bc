// A picture: its bytes stay in Rust until they are asked for.

import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { tools } from './door'
import type { NativeImage } from './native'
import { record } from './record'

/** A picture that came from a call, or from a file. */
export class Image {
  readonly #native: NativeImage
  #bytes: Buffer | undefined

  private constructor(picture: NativeImage) { this.#native = picture }

  /** @internal */
  static wrap = (picture: NativeImage): Image => new Image(picture)
  /** @internal */
  static native = (image: Image): NativeImage => image.#native

  /** Reads a picture's file; throws an `ImageError` if it is not one. */
  static async open(path: string | URL): Promise<Image> {
    const { pictures } = await tools.call('open_image', [], [], { path: plainPath(path) })
    return new Image(pictures[0] as NativeImage)
  }

  /** The file's bytes, over Rust's memory and without a copy: not to be written to. Always the same `Buffer`. */
  get bytes(): Buffer {
    // Node forbids a second Buffer over the same memory, so the first one is kept.
    return (this.#bytes ??= this.#native.bytes())
  }

  /** The type that the bytes say, for example "image/jpeg". */
  get mimeType(): string { return this.#native.mimeType }
  /** Width in pixels. */
  get width(): number { return this.#native.width }
  /** Height in pixels. */
  get height(): number { return this.#native.height }

  /**
   * Writes the file, whole or not at all, over one that is there, and gives its path. Without an extension
   * the right one is added; with its own the very bytes that came are written; with another it is converted.
   */
  async save(path: string | URL): Promise<string> {
    return record('string', await tools.call('save_image', [], this, { path: plainPath(path) }))
  }

  /** The picture as "png", "jpeg" or "webp"; the same one if it is that already. `quality` (1 to 100) is for JPEG. */
  async convert(format: 'png' | 'jpeg' | 'webp' | (string & {}), options: { quality?: number } = {}): Promise<Image> {
    return this.#made('convert', { format, quality: options.quality })
  }

  /** The picture scaled to this size in pixels, in the same format. */
  async resize(width: number, height: number): Promise<Image> {
    return this.#made('resize', { width, height })
  }

  /** A copy of the bytes as a `Blob` of the right type. */
  toBlob(): Blob { return new Blob([this.bytes as Uint8Array<ArrayBuffer>], { type: this.mimeType }) }

  /** The picture as a `data:` URL. */
  toDataURL(): string { return this.#native.toDataURL() }

  /** Whether both are the same bytes. */
  equals(other: Image): boolean { return this.#native.equals(other.#native) }

  /** What it is, without its bytes: `bytes` is how many there are. */
  toJSON(): { mimeType: string; width: number; height: number; bytes: number } {
    return { mimeType: this.mimeType, width: this.width, height: this.height, bytes: this.#native.size }
  }

  [inspect.custom](): string {
    return `Image(${this.mimeType}, ${this.width}x${this.height}, ${this.#native.size} bytes)`
  }

  async #made(verb: string, options: object): Promise<Image> {
    const [picture] = (await tools.call(verb, [], this, options)).pictures as [NativeImage]
    return picture.equals(this.#native) ? this : new Image(picture)
  }
}

export const plainPath = (path: string | URL): string => (path instanceof URL ? fileURLToPath(path) : path)
