#!/usr/bin/env node
// The command: one Rust function, which writes to the terminal and handles Ctrl-C itself.

import { native } from './native'

// Node would end at once; the core ends the request first. Should it be stuck, Node ends after all.
process.once('SIGINT', () => setTimeout(() => process.exit(130), 1000).unref())

void native.run(process.argv.slice(2)).then((code) => process.exit(code))
