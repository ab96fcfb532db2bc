// A conversation of ten turns with a large picture each: how the process grows. usage: chat.mjs URL FILE
// If FILE is there, its conversation is gone on with for a turn; else the one of this run is written to it.
import { existsSync, readFileSync } from 'node:fs'
import { Client } from 'nanobanana-sdk'

const [url, file] = process.argv.slice(2)
const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1000
const settle = async () => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc?.()
}

const client = new Client({ baseUrl: url, apiKey: 'bench' })
if (existsSync(file)) {
  const chat = await client.loadChat(file)
  const before = chat.history.length
  await chat.send('go on')
  console.log(`${before} turns were loaded, ${chat.history.length} are there now`)
} else {
  await client.generate('warm up')
  await settle()
  const chat = client.chat()
  const before = resident()
  let size = 0
  for (let turn = 0; turn < 10; turn++) {
    size += (await chat.send(`turn ${turn}`)).image.bytes.length
    await settle()
  }
  const grown = resident() - before
  const ratio = grown / (size / 1e6)
  console.log(`grown by ${grown.toFixed(1)} MB for pictures of ${(size / 1e6).toFixed(1)} MB: ${ratio.toFixed(2)} times`)
  await chat.save(file)
}
process.exit(0)
