// Eight pictures at once in one event loop: the longest stall of a 5 ms ticker. usage: stall.mjs PACKAGE URL
// The control is a ticker alone in a process of its own, at the same time on the same machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const [name, url] = process.argv.slice(2)

function tick() {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last - 5)
    last = now
  }, 5)
  return () => (clearInterval(timer), longest)
}

if (name === 'control') {
  const stop = tick()
  console.log('ready')
  await once(process.stdin, 'data')
  console.log(stop())
  process.exit(0)
}

let call
if (name === 'nanobanana-sdk') {
  const { Client } = await import(name)
  const client = new Client({ baseUrl: url, apiKey: 'bench' })
  call = async (prompt) => (await client.generate(prompt)).image.bytes.length
} else {
  const { GoogleGenAI } = await import(name)
  const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: url } })
  call = async (contents) => {
    const answer = await client.models.generateContent({ model: 'gemini-3-pro-image', contents })
    return Buffer.from(answer.candidates[0].content.parts[0].inlineData.data, 'base64').length
  }
}

await call('warm up')
const other = spawn(process.execPath, [fileURLToPath(import.meta.url), 'control'], { stdio: ['pipe', 'pipe', 'inherit'] })
other.stdout.setEncoding('utf8')
await once(other.stdout, 'data')
const stop = tick()
const start = performance.now()
await Promise.all(Array.from({ length: 8 }, () => call('large')))
const took = (performance.now() - start) / 1000
const longest = stop()
other.stdin.end('\n')
const idle = Number((await once(other.stdout, 'data'))[0])
const figures = `longest stall ${longest.toFixed(1).padStart(6)} ms, of the idle control ${idle.toFixed(1).padStart(5)} ms`
console.log(`${figures}; all eight in ${took.toFixed(2)} s`)
process.exit(0)
