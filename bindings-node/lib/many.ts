// Many calls at once: prompts are taken as there is room, outcomes are handed out as they come.

import type { Door } from './door'
import { InvalidOptionError, NanoBananaError, type Item, type ManyOptions, type Outcome, type Prompt } from './generated'
import { brand } from './identity'
import { record, settle } from './record'
import { Reader, dropped } from './stream'

type Prompts = Iterable<Prompt | Item> | AsyncIterable<Prompt | Item>
type Step = { type: 'outcome'; outcome: Outcome } | { type: 'done' }
type Feeding = { failure?: { error: unknown } }

/**
 * What comes of many calls, for `for await`, as they finish. What would fail every call is thrown when
 * those under way have ended, and so is what the prompts throw. Leaving the loop ends what is under way
 * at once, and so do `close` and the signal.
 */
export class Outcomes extends Reader<Outcome> {
  static { brand(this, 'Outcomes') }

  readonly #prompts: Prompts
  readonly #bar: boolean
  #feeding: Feeding | undefined
  #door: Door | undefined

  /** @internal */
  constructor(door: Door, verb: string, prompts: Prompts, options?: ManyOptions | null) {
    const several = typeof prompts === 'object' && prompts !== null && (Symbol.asyncIterator in prompts || Symbol.iterator in prompts)
    if (!several) {
      const problem = 'option `prompts` takes several prompts, for example a list of them, not one'
      throw new InvalidOptionError(problem, { option: 'prompts' })
    }
    const { length, size } = prompts as { length?: unknown; size?: unknown }
    const total = [length, size].find((count) => Number.isSafeInteger(count))
    super(door, verb, [], [], { ...options, total } as ManyOptions, door.keyless)
    this.#prompts = prompts
    this.#bar = options?.progress === true && process.stderr.isTTY === true
  }

  /** @internal */
  protected override async read(door: Door): Promise<{ value: Outcome | undefined; last: boolean }> {
    if (!this.#feeding) {
      this.#door = door
      this.#feeding = {}
      void feed(door, this.#prompts, this.#feeding)
      dropped.register(this, () => door.native.close())
    }
    const step = record<Step>('Step', settle(await door.native.call('step', null, { wantItem: false })))
    this.#show('')
    if (step.type === 'outcome') return { value: step.outcome, last: false }
    if (this.#feeding.failure) throw this.#feeding.failure.error
    return { value: undefined, last: true }
  }

  /** Ends what is under way, and waits until it has ended: a journal can be used again then. */
  override async close(): Promise<void> {
    this.#show('\n')
    const door = this.#door
    this.#door = undefined
    await super.close()
    if (door) settle(await door.native.call('close', null, {}))
  }

  #show(end: string): void {
    if (!this.#bar || !this.#door) return
    const width = (process.stderr.columns || 80) - 1
    const { line } = record<{ line: string }>('Shown', this.#door.callSync('progress', { width }))
    process.stderr.write(`\r${line.padEnd(width)}${end}`)
  }
}

/** Brings the prompts to the core. It does not hold who reads the outcomes, so that he can be let go. */
async function feed(door: Door, prompts: Prompts, feeding: Feeding): Promise<void> {
  try {
    for await (const item of prompts) {
      await give(door, item)
      if (!record('boolean', settle(await door.native.call('room', null, {})))) break
    }
  } catch (error) {
    feeding.failure = { error }
  } finally {
    door.callSync('end')
  }
}

/** The text with U+FFFD in place of halves of surrogate pairs. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD')
}

async function give(door: Door, item: Prompt | Item): Promise<void> {
  const is = typeof item === 'object' && item !== null && !Array.isArray(item)
  const { prompt, images, ...rest } = is ? (item as Item) : { prompt: item as Prompt, images: null }
  try {
    await door.call('give', prompt ?? [], images ?? [], rest)
  } catch (error) {
    // What is wrong with one item is no reason to end the others.
    if (!(error instanceof NanoBananaError)) throw error
    const { id } = rest as Item
    // A text that is not valid Unicode is why it was refused.
    const known = typeof id === 'string' ? wellFormed(id) : Number.isFinite(id) ? id : undefined
    door.callSync('refuse', { ...(known !== undefined && { id: known }), error: error.toJSON() })
  }
}
