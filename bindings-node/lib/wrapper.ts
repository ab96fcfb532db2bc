// What wraps an input: it says something of it. In a file of its own, since classes are made of it as they load.

import { brand } from './identity'

/** A picture or a document, and what is said of it. */
export abstract class Wrapper {
  static { brand(this, 'Wrapper') }

  /** @internal */
  abstract wrapped(): { made: string; of?: unknown; fields: object }
}
