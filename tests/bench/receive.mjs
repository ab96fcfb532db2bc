// Receives one large picture: peak memory above the baseline, and time. usage: receive.mjs PACKAGE URL
import { readFileSync, writeFileSync } from 'node:fs'

const [name, url] = process.argv.slice(2)
const status = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])

let call
if (name === 'nanobanana-sdk') {
  const { Client } = await import(name)
  const client = new Client({ baseUrl: url, apiKey: 'bench' })
  call = async (prompt) => (await client.generate(prompt)).image.bytes.length
} else {
  const { GoogleGenAI } = await import(name)
  const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: url } })
  call = async (prompt) => {
    const answer = await client.models.generateContent({ model: 'gemini-3-pro-image', contents: prompt })
    return Buffer.from(answer.candidates[0].content.parts[0].inlineData.data, 'base64').length
  }
}

await call('warm up')
globalThis.gc?.()
writeFileSync('/proc/self/clear_refs', '5')
const before = status('VmRSS')
const start = performance.now()
const size = await call('large')
const took = performance.now() - start
const peak = (status('VmHWM') - before) / 1000
console.log(`${peak.toFixed(1)} MB above baseline for ${(size / 1e6).toFixed(1)} MB, ${took.toFixed(0)} ms`)
process.exit(0)
