// The long proofs in short: what each promises must hold in a few seconds, too.

import { test } from 'node:test'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './helpers'

type Proof = { main(...numbers: number[]): Promise<unknown> }

const proof = (name: string): Promise<Proof> => import(pathToFileURL(join(root, 'tests', 'proofs', `${name}.mjs`)).href)

// What is held at the end is the long form's: idle threads and connections take their time.
test('every call of many ends in one outcome', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  await (await proof('soak')).main(900, Infinity, 0)
})

test('nothing is sent while the service says wait', async () => {
  await (await proof('storm')).main(0.6)
})
