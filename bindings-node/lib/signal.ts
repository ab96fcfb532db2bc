// One listener for each signal, whatever number of calls it ends: a listener for each call would
// make Node warn of a leak at the eleventh.

const signals = new WeakMap<AbortSignal, { acts: Set<() => void>; fire: () => void }>()

/** Calls `act` when the signal is aborted; gives the function that takes it back. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  let listening = signals.get(signal)
  if (!listening) {
    const acts = new Set<() => void>()
    listening = { acts, fire: () => acts.forEach((act) => act()) }
    signal.addEventListener('abort', listening.fire, { once: true })
    signals.set(signal, listening)
  }
  const { acts, fire } = listening
  acts.add(act)
  return () => {
    if (!acts.delete(act) || acts.size > 0) return
    signal.removeEventListener('abort', fire)
    signals.delete(signal)
  }
}

/** What the promise gives, or the signal's reason as soon as it is aborted. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return promise
  let off: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    off = onAbort(signal, () => reject(signal.reason))
    if (signal.aborted) reject(signal.reason)
  })
  return Promise.race([promise, aborted]).finally(off)
}
