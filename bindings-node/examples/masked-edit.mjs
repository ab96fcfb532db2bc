// An edit that stays inside a mask, and how much the model changed outside of it.
// Offline: `node bindings-node/examples/masked-edit.mjs [folder]`. With a key, write `new Client()`.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Box, Client } from 'nanobanana-sdk'

const folder = process.argv[2] ?? 'masked-edit'
await mkdir(folder, { recursive: true })

const client = await Client.offline()
const { image: harbour } = await client.generate('A harbour with hills', { aspectRatio: '3:2' })
console.log(`source: ${await harbour.save(join(folder, 'harbour'))}`)

// A box in parts of the picture's sides; a mask picture does as well.
const sky = new Box(0, 0, 1, 0.4, { unit: 'fraction' })
const result = await client.edit('A stormy sky', harbour, { mask: sky })
console.log(`edit: ${await result.image.save(join(folder, 'stormy'))}`)

// What the model itself drew, and where it strayed.
console.log(`model: ${await result.modelImage.save(join(folder, 'model'))}`)
console.log(`changes: ${await result.changeMap.save(join(folder, 'changes'))}`)
const [right, down] = result.masked[0].shift
console.log(`leak: ${result.leak.toFixed(4)}, after it was moved back by ${right.toFixed(1)} and ${down.toFixed(1)} pixels`)

await client.close()
