// One case with one library in this process, which is a fresh one; prints what it took as one line of JSON.
// usage: node --expose-gc client.mjs LIBRARY CASE [JSON]    with { url, count, files } as the case needs them
//
// Seconds and bytes. CPU is that of all threads of the process between the case's start and end; the peak is
// the high-water mark of resident memory above what was resident at the start.
import { readFileSync, writeFileSync } from 'node:fs'

const [name, what, json] = process.argv.slice(2)
const asked = JSON.parse(json ?? '{}')
const MODEL = 'gemini-3-pro-image'

const status = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
const now = () => performance.now() / 1000
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))

/** What happens between its call and that of what it gives. */
async function meter() {
  globalThis.gc?.()
  // The collector's threads sweep on for a while, which is nobody's work.
  await sleep(100)
  writeFileSync('/proc/self/clear_refs', '5')
  const before = status('VmRSS')
  const [used, start] = [cpu(), now()]
  return () => {
    const [wall, spent] = [now() - start, cpu() - used]
    return { wall, cpu: spent, peak: status('VmHWM') - before }
  }
}

/** A library as the cases use it; each call gives the picture's bytes. */
const libraries = {
  'nanobanana-sdk': async (url) => {
    const { Client } = await import('nanobanana-sdk')
    const client = new Client({ baseUrl: url, apiKey: 'bench', model: MODEL, retry: false })
    return {
      call: async (prompt) => (await client.generate(prompt)).image.bytes,
      async stream(prompt) {
        let last
        for await (const event of client.generateStream(prompt)) if (event.type === 'image') last = event.image.bytes
        return last
      },
      inputs: async (files) => (await client.edit('edit', files)).image.bytes,
      chat() {
        const chat = client.chat()
        return async () => (await chat.send('go on')).image.bytes
      },
    }
  },
  '@google/genai': async (url) => {
    const { GoogleGenAI } = await import('@google/genai')
    const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: url } })
    const bytes = (answer) => Buffer.from(answer.candidates[0].content.parts.find((part) => part.inlineData).inlineData.data, 'base64')
    const call = async (contents) => bytes(await client.models.generateContent({ model: MODEL, contents }))
    return {
      call,
      async stream(contents) {
        let last
        for await (const answer of await client.models.generateContentStream({ model: MODEL, contents })) last = bytes(answer)
        return last
      },
      inputs: (files) => {
        const parts = files.map((file) => ({ inlineData: { mimeType: 'image/png', data: readFileSync(file, 'base64') } }))
        return call([{ text: 'edit' }, ...parts])
      },
      chat() {
        const chat = client.chats.create({ model: MODEL })
        return async () => bytes(await chat.sendMessage({ message: 'go on' }))
      },
    }
  },
  openai: async (url) => {
    const { default: OpenAI } = await import('openai')
    const { images } = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'bench', maxRetries: 0 })
    const asked = { model: 'gpt-image-1' }
    return {
      call: async (prompt) => Buffer.from((await images.generate({ ...asked, prompt })).data[0].b64_json, 'base64'),
      async stream(prompt) {
        let last
        for await (const event of await images.generate({ ...asked, prompt, stream: true })) last = Buffer.from(event.b64_json, 'base64')
        return last
      },
    }
  },
}

const TICK = 5

/** Ticks until it is told to stop, and gives the longest stall in seconds. */
async function ticker() {
  let [longest, stopped] = [0, false]
  const ticking = (async () => {
    while (!stopped) {
      const start = performance.now()
      await sleep(TICK)
      longest = Math.max(longest, performance.now() - start - TICK)
    }
  })()
  await sleep(50)
  longest = 0
  return { clear: () => (longest = 0), stop: async () => { stopped = true; await ticking; return longest / 1000 } }
}

/** A ticker in a process that does nothing else. */
async function idle() {
  const { spawn } = await import('node:child_process')
  const other = spawn(process.execPath, [process.argv[1], 'control', 'control'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  other.stdout.on('data', (piece) => (text += piece))
  while (!text.includes('ready')) await sleep(1)
  return async () => {
    const ended = new Promise((done) => other.on('exit', done))
    other.stdin.end('\n')
    await ended
    return Number(text.trim().split('\n').at(-1))
  }
}

async function flight(side) {
  const control = await idle()
  const ticks = await ticker()
  const read = await meter()
  ticks.clear()
  const pictures = await Promise.all(Array.from({ length: asked.count }, () => side.call('draw')))
  const numbers = { ...read(), size: pictures.reduce((sum, bytes) => sum + bytes.length, 0) }
  return { ...numbers, stall: await ticks.stop(), control: await control() }
}

async function imported() {
  const read = await meter()
  await import(name)
  const numbers = read()
  const start = now()
  await libraries[name](asked.url)
  return { ...numbers, client: now() - start }
}

/** Decodes a file to pixels, or makes a file of another format of one that is not compressed. */
async function coded() {
  const { format, quality } = asked
  let call
  if (name === 'sharp') {
    const { default: sharp } = await import('sharp')
    const options = { jpeg: { quality, chromaSubsampling: '4:4:4' }, webp: quality ? { quality } : { lossless: true } }[format]
    call = (file) => (format ? sharp(file).toFormat(format, options) : sharp(file).raw()).toBuffer()
  } else {
    const { Image } = await import('nanobanana-sdk')
    if (!format) return { skip: 'it hands out no pixels in Node' }
    call = async (file) => (await (await Image.open(file)).convert(format, quality ? { quality } : {})).bytes
  }
  await call(asked.small)
  const read = await meter()
  const made = await call(asked.file)
  return { ...read(), size: made.length }
}

async function run() {
  if (what === 'control') {
    const ticks = await ticker()
    console.log('ready')
    await new Promise((done) => process.stdin.once('data', done))
    return ticks.stop()
  }
  if (what === 'import') return imported()
  if (what === 'codec') return coded()
  const side = await libraries[name](asked.url)
  for (let at = 0; at < (asked.warm ?? 1); at++) await side.call('warm up')
  if (what === 'flight') return flight(side)
  const read = await meter()
  let size = 0
  if (what === 'small') for (let at = 0; at < asked.count; at++) size += (await side.call('draw')).length
  else if (what === 'chat') {
    const send = side.chat()
    for (let at = 0; at < asked.count; at++) size += (await send()).length
  } else if (what === 'inputs') size = (await side.inputs(asked.files)).length
  else if (what === 'stream') size = (await side.stream('draw')).length
  else size = (await side.call('draw')).length
  return { ...read(), size }
}

console.log(JSON.stringify(await run()))
process.exit(0)
