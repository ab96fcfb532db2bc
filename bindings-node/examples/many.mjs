// Twelve pictures at once, stopped half-way and gone on with: only what is missing is drawn.
// Offline: `node bindings-node/examples/many.mjs [folder]`. With a key, write `new Client({ budget: 2 })`.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'nanobanana-sdk'

const folder = process.argv[2] ?? 'many'
await mkdir(folder, { recursive: true })

const client = await Client.offline({ budget: 2, model: 'nano-banana-2-lite' })
const fruits = ['banana', 'apple', 'pear', 'plum', 'cherry', 'fig', 'lemon', 'lime', 'mango', 'melon', 'peach', 'quince']
const items = fruits.map((fruit) => ({ id: fruit, prompt: `A ${fruit} in watercolour` }))
const run = { concurrency: 4, journal: join(folder, 'run.jsonl'), saveTo: folder }

const { low, typical, high } = await client.estimate(items[0].prompt)
console.log(`estimate: ${[typical, low, high].map((usd) => (usd * items.length).toFixed(2)).join(' USD, ')}`)

// Something comes up after five pictures. Those that came are on disk, with a note beside each.
let number = 0
for await (const outcome of client.generateMany(items, run)) {
  console.log('drawn:', outcome.id, outcome.files)
  if (++number === 5) break
}

// The same again: what is done comes from disk and costs nothing.
for await (const outcome of client.generateMany(items, run)) {
  if (!outcome.ok) throw outcome.error
  console.log(outcome.cached ? 'on disk:' : 'drawn:', outcome.id, outcome.result.cost)
}

const { usd, calls, unknown } = client.spent
console.log(`spent: ${usd.toFixed(4)} USD for ${calls} pictures, ${unknown} unknown`)
await client.close()
