// One picture in three turns, then a step back; the conversation is saved and goes on from its file.
// Offline: `node bindings-node/examples/edit-in-turns.mjs [folder]`. With a key, write `new Client()`.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'nanobanana-sdk'

const folder = process.argv[2] ?? 'edit-in-turns'
await mkdir(folder, { recursive: true })

const client = await Client.offline()
const chat = client.chat({ model: 'nano-banana-pro' })

const prompts = ['A mascot for a bakery', 'Same mascot, now waving', 'Put it on a poster']
for (const [turn, prompt] of prompts.entries()) {
  const { image } = await chat.send(prompt, turn === 2 ? { aspectRatio: '2:3' } : {})
  console.log(`${prompt}: ${await image.save(join(folder, `turn-${turn + 1}`))}`)
}

// The poster was a bad idea: take it back, and go another way.
chat.undo()
const path = await chat.save(join(folder, 'mascot'))
const again = await client.loadChat(path)
const { image } = await again.send('Give it a chef’s hat')
console.log(`From ${path}: ${await image.save(join(folder, 'hat'))}`)
console.log(again.history.map((turn) => `${turn.role}: ${turn.text}`).join('\n'))

await client.close()
