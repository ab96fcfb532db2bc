// Receives one large picture, by a call or a stream: peak memory above the baseline, time and CPU.
// usage: receive.mjs PACKAGE URL call|stream
import { readFileSync, writeFileSync } from 'node:fs'

const [name, url, how] = process.argv.slice(2)
const status = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])

let call
if (name === 'nanobanana-sdk') {
  const { Client } = await import(name)
  const client = new Client({ baseUrl: url, apiKey: 'bench' })
  call = async (prompt) => {
    if (how === 'call') return (await client.generate(prompt)).image.bytes.length
    let size = 0
    for await (const event of client.generateStream(prompt)) if (event.type === 'image') size += event.image.bytes.length
    return size
  }
} else {
  const { GoogleGenAI } = await import(name)
  const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: url } })
  const bytes = (answer) => Buffer.from(answer.candidates[0].content.parts[0].inlineData.data, 'base64').length
  call = async (contents) => {
    const asked = { model: 'gemini-3-pro-image', contents }
    if (how === 'call') return bytes(await client.models.generateContent(asked))
    let size = 0
    for await (const answer of await client.models.generateContentStream(asked)) size += bytes(answer)
    return size
  }
}

await call('warm up')
globalThis.gc?.()
writeFileSync('/proc/self/clear_refs', '5')
const before = status('VmRSS')
const [start, used] = [performance.now(), process.cpuUsage()]
const size = await call('large')
const took = performance.now() - start
const cpu = process.cpuUsage(used)
const peak = (status('VmHWM') - before) / 1000
const columns = [how.padEnd(6), peak.toFixed(1).padStart(6), 'MB for', (size / 1e6).toFixed(1), 'MB,']
console.log(...columns, `${took.toFixed(0).padStart(5)} ms, CPU ${((cpu.user + cpu.system) / 1000).toFixed(0).padStart(5)} ms`)
process.exit(0)
