#!/usr/bin/env node
// The command: one Rust function, which writes to the terminal itself. The signals are Node's: a handler of Rust's beside
// Node's own would call that one again and again.

import { native } from './native'

// The core waits for less than this until what it is writing is on disk.
const LAST_WAIT = 3000

const signals = new native.Signals()
for (const name of signals.names()) {
  process.on(name, () => {
    const code = signals.tell(name)
    // Should the core be stuck, Node ends after all.
    setTimeout(() => process.exit(code ?? 1), LAST_WAIT).unref()
  })
}

void native.run(process.argv.slice(2), signals).then((code) => process.exit(code))
