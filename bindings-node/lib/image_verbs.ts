// Written by core/cli/tests/generated.rs from core/cli/tests/generated/verbs.rs.
// Change that; the test rewrites this file.

import { tools } from './door'
import { Image, plainPath } from './image'
import { record } from './record'

/** What a picture can do. */
export class ImageVerbs {
  /**
   * Write a file of this name and return its path. Without an extension the right one is added; with its
   * own the very bytes that came are written; with another it is converted, and a warning tells of C2PA
   * credentials that are lost by that. A file of that name is replaced, whole or not at all: through
   * symbolic links, with its mode and owner kept. Devices, pipes, sockets, mounted files, files with
   * several names (hard links) and those in a folder that takes no new files are written in place, which
   * is not atomic.
   */
  async save(path: string | URL): Promise<string> {
    return record('string', await tools.keyless.call('save', [], this, { path: plainPath(path) }))
  }

  /**
   * The picture as "png", "jpeg" or "webp"; the same one if it is that already. `quality` (1 to 100) is
   * for JPEG, and for WebP, which without one loses nothing. A warning tells of C2PA credentials that
   * are lost. A picture that a model drew, as its call or its marks say, keeps saying so by IPTC's
   * DigitalSourceType in XMP, unless `markAi` is false.
   */
  async convert(format: 'png' | 'jpeg' | 'webp' | (string & {}), options?: { quality?: number; markAi?: boolean }): Promise<Image> {
    return Image.made(this, await tools.keyless.call('convert', [], this, { ...options, format }))
  }

  /**
   * The picture scaled to this size in pixels, in the same format. Warnings and `markAi` are as those of
   * `convert`.
   */
  async resize(width: number, height: number, options?: { markAi?: boolean }): Promise<Image> {
    return Image.made(this, await tools.keyless.call('resize', [], this, { ...options, width, height }))
  }
}
