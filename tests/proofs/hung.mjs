// 64 reads from a dead mount, 64 lookups of a name server that is gone and 64 FIFOs without a writer hold up nothing:
// with a timeout of one second each of them ends, and beside them every other call works as fast as ever.
//
//     node tests/proofs/hung.mjs [COUNT]
//
// Prints a table, and exits 1 if something took longer than 1.2 s. Needs Linux and `cc` (see hang.c).

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const LIMIT = 1200
const here = fileURLToPath(import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'nanobanana-hung-'))
if (!process.env.NANOBANANA_HANG) {
  const library = join(folder, 'hang.so')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(here, '..', 'hang.c'), '-ldl'])
  const env = { ...process.env, LD_PRELOAD: library, NANOBANANA_HANG: library }
  process.exit(spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' }).status ?? 1)
}

const { Client, Emulator, NanoBananaError } = createRequire(import.meta.url)('nanobanana-sdk')
const count = Number(process.argv[2] ?? 64)
const slow = []

async function timed(name, call, wanted = 'done') {
  const begun = performance.now()
  const outcome = await call.then(() => 'done', (error) => error.name)
  const took = performance.now() - begun
  const isRight = outcome === wanted && took <= LIMIT
  console.log(`${name.padEnd(34)} ${outcome.padEnd(20)} ${(took / 1000).toFixed(3)} s${isRight ? '' : '   WRONG'}`)
  if (!isRight) slow.push(name)
}

async function hangs(call) {
  const begun = performance.now()
  const error = await call.then(() => undefined, (error) => error)
  if (!(error instanceof NanoBananaError)) throw new Error('what hangs cannot succeed', { cause: error })
  return performance.now() - begun
}

const dead = join(folder, 'deadmount')
mkdirSync(dead)
const emulator = await Emulator.start()
const client = new Client({ apiKey: 'key', baseUrl: emulator.url, timeout: 1000, model: 'nano-banana', retry: false })
const lost = new Client({ apiKey: 'key', baseUrl: 'http://api.hang.test', timeout: 1000, retry: false })
const { image } = await client.generate('a boat')
const good = await image.save(join(folder, 'good'))
const numbers = [...Array(count).keys()]
for (const number of numbers) execFileSync('mkfifo', [join(folder, `fifo-${number}`)])
const hung = [
  ...numbers.map((number) => hangs(client.edit('x', join(dead, `${number}.png`)))),
  ...numbers.map((number) => hangs(client.edit('x', join(folder, `fifo-${number}`)))),
  ...numbers.map((number) => hangs(client.files.upload(join(dead, `${number}.png`)))),
  ...numbers.map(() => hangs(lost.generate('x'))),
]
// A save to a dead mount has no timeout; it must hold up nothing.
for (const number of numbers) void image.save(join(dead, `${number}`))
await sleep(100)
await timed('generate', client.generate('a boat'))
await timed('edit of a file', client.edit('a boat', good))
await timed('generate with outputFormat', client.generate('a boat', { outputFormat: 'webp' }))
await timed('save', image.save(join(folder, 'saved')))
await timed('convert', image.convert('jpeg'))
await timed('files.upload', client.files.upload(good))
await timed('files.upload from a dead mount', client.files.upload(join(dead, 'x.png')), 'APITimeoutError')
const longest = Math.max(...(await Promise.all(hung)))
console.log(`${`the slowest of ${hung.length} that hang`.padEnd(34)} ${''.padEnd(20)} ${(longest / 1000).toFixed(3)} s`)
if (longest > LIMIT) slow.push('those that hang')
const again = numbers.map((number) => hangs(client.edit('x', join(dead, `${number}.png`))))
await sleep(100)
await timed('close', client.close())
await timed('those under way at close', Promise.all(again))
console.log(slow.length ? `slow: ${slow.join(', ')}` : 'all in time')
process.exit(slow.length ? 1 : 0)
