// One listener for each signal, whatever number of calls it ends: a listener for each call would
// make Node warn of a leak at the eleventh.

interface Listening {
  acts: Set<() => void>
  fire: () => void
}

const signals = new WeakMap<AbortSignal, Listening>()

/** Calls `act` when the signal is aborted; gives the function that takes it back. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const listening = signals.get(signal) ?? listen(signal)
  listening.acts.add(act)
  return () => {
    if (!listening.acts.delete(act) || listening.acts.size > 0) return
    signal.removeEventListener('abort', listening.fire)
    signals.delete(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const acts = new Set<() => void>()
  const fire = (): void => {
    signals.delete(signal)
    for (const act of acts) act()
  }
  signal.addEventListener('abort', fire, { once: true })
  signals.set(signal, { acts, fire })
  return { acts, fire }
}

/** What the promise gives, or the signal's reason as soon as it is aborted. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  let off = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    off = onAbort(signal, () => reject(signal.reason))
  })
  return Promise.race([promise, aborted]).finally(off)
}
