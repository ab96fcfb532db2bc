// Written by core/tests/generated.rs from core/tests/generated/verbs.rs.
// Change that; the test rewrites this file.

import { tools } from './door'
import { Image, plainPath } from './image'
import { record } from './record'

/** What a picture can do. */
export class ImageVerbs {
  /**
   * Write the file, whole or not at all, over one that is there, and return its path. Without an
   * extension the right one is added; with its own the very bytes that came are written; with another it
   * is converted.
   */
  async save(path: string | URL): Promise<string> {
    return record('string', await tools.keyless.call('save', [], this, { path: plainPath(path) }))
  }

  /**
   * The picture as "png", "jpeg" or "webp"; the same one if it is that already. `quality` (1 to 100) is
   * for JPEG and, with loss, for WebP.
   */
  async convert(format: 'png' | 'jpeg' | 'webp' | (string & {}), options?: { quality?: number }): Promise<Image> {
    return Image.made(this, await tools.keyless.call('convert', [], this, { ...options, format }))
  }

  /** The picture scaled to this size in pixels, in the same format. */
  async resize(width: number, height: number): Promise<Image> {
    return Image.made(this, await tools.keyless.call('resize', [], this, { width, height }))
  }
}
