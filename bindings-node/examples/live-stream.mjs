// A picture as it comes to be: the model's thoughts, its drafts, its words, and the picture itself.
// Offline: `node bindings-node/examples/live-stream.mjs [folder]`. With a key, write `new Client()`.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'nanobanana-sdk'

const folder = process.argv[2] ?? 'live-stream'
await mkdir(folder, { recursive: true })

const client = await Client.offline()
const options = { model: 'nano-banana-pro', aspectRatio: '16:9', thoughts: true }
let drafts = 0

for await (const event of client.generateStream('An infographic about tides', options)) {
  switch (event.type) {
    case 'thought':
      if (event.text) console.log(`thinks: ${event.text.split('\n')[0]}`)
      if (event.image) console.log(`draft:  ${await event.image.save(join(folder, `draft-${++drafts}`))}`)
      break
    case 'text':
      console.log(`says:   ${event.text}`)
      break
    case 'image':
      console.log(`final:  ${await event.image.save(join(folder, 'tides'))}`)
      break
    case 'done':
      console.log(`done:   ${event.result.usage.totalTokens} tokens, $${event.result.cost}`)
  }
}

await client.close()
