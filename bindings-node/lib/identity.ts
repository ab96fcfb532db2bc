// Which of our objects are the same kind, and which are equal. Private fields alone would leave both open: a second
// copy of this package in one process has classes of its own, and what looks at fields (`assert.deepEqual`, `expect`)
// sees none.

import { inspect } from 'node:util'

/**
 * Makes `instanceof` true for objects of other copies of this package, too: they carry the same brand. A class that
 * extends this one is asked as usual. @internal
 */
export function brand(Class: { readonly prototype: object }, name: string): void {
  const mark = Symbol.for(`nanobanana-sdk.${name}`)
  const usual = Function.prototype[Symbol.hasInstance]
  Object.defineProperty(Class.prototype, mark, { value: true })
  Object.defineProperty(Class, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      return this === Class ? typeof value === 'object' && value !== null && mark in value : usual.call(this, value)
    },
  })
}

/**
 * The name of the property by which objects are told apart: it is enumerable, so that deep equality reads it, and a
 * symbol, so that `structuredClone` and `postMessage` refuse with its words instead of dropping what they cannot copy.
 */
const IDENTITY = 'identity'

/** Makes the object equal to itself alone. @internal */
export function unique(object: object, name: string): void {
  Object.defineProperty(object, IDENTITY, {
    value: Symbol(`this ${name} of nanobanana-sdk, which lives in its own thread, so that it`),
    enumerable: true,
  })
  if (!(inspect.custom in object)) Object.defineProperty(object, inspect.custom, { value: () => `${name} {}` })
}

/** Makes the object equal to those with the same bytes; they are looked at when somebody asks. @internal */
export function equalBy(object: object, read: () => symbol): void {
  Object.defineProperty(object, IDENTITY, { get: read, enumerable: true })
}

/**
 * Makes `await using` work where the class was made in a realm without `Symbol.asyncDispose`, as those are in which
 * Jest runs tests (Node 20, 22): there the method has no name yet, and compilers look for this one. @internal
 */
export function disposable(Class: { readonly prototype: object }): void {
  const methods = Class.prototype as Record<PropertyKey, unknown>
  if (Symbol.asyncDispose || !Object.hasOwn(methods, 'undefined')) return
  Object.defineProperty(methods, Symbol.for('Symbol.asyncDispose'), { value: methods['undefined'] })
  delete methods['undefined']
}
