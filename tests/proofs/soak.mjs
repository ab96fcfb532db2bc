// Many calls at once, some of the requests at fault: each ends in exactly one outcome, and nothing is left over.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Client, Emulator, NanoBananaError } from 'nanobanana-sdk'

const AT_ONCE = 64
// One request in twenty meets one of these.
const FAULTS = [
  { status: 503 }, { status: 500 }, { cut: 'headers' }, { cut: 40 },
  { status: 429, headers: { 'retry-after': '0.05' } },
  { text: 'no', finish_reason: 'NO_IMAGE' }, { body: '{]' }, { status: 400 },
]

const script = (requests) => Array.from({ length: requests }, (_, number) =>
  number % 20 === 7 ? FAULTS[Math.floor(number / 20) % FAULTS.length] : { image: 'png 8x8' })

/** What this process holds after a rest: a thread that has nothing to do is kept for ten seconds. */
async function held(rest) {
  await new Promise((resolve) => setTimeout(resolve, rest * 1000))
  globalThis.gc?.()
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  // Pages that V8 has emptied and keeps for later hold nothing.
  const { heapTotal, heapUsed } = process.memoryUsage()
  const empty = Math.round((heapTotal - heapUsed) / 1024)
  return { files: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length, memory_kb: resident - empty }
}

async function everything(client, each) {
  const outcomes = []
  const noted = (error) => {
    assert(error instanceof NanoBananaError, error)
    outcomes.push(error.name)
  }
  const singly = async (call) => {
    let number = 0
    const work = async () => {
      while (number < each) await call(`banana ${number++}`).then(() => outcomes.push('ok'), noted)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
  await singly((prompt) => client.generate(prompt))
  await singly(async (prompt) => { for await (const _ of client.generateStream(prompt)); })
  const prompts = (function* () { for (let number = 0; number < each; number++) yield `banana ${number}` })()
  for await (const outcome of client.generateMany(prompts, { concurrency: AT_ONCE })) {
    outcomes.push(outcome.ok ? 'ok' : outcome.error.name)
  }
  return outcomes
}

export async function soak(calls, rest) {
  const server = fork(import.meta.filename, ['server'])
  const [url] = await once(server, 'message')
  const prepare = async (requests) => {
    server.send(script(requests))
    await once(server, 'message')
  }
  try {
    const client = new Client({ apiKey: 'soak-key', baseUrl: url, retry: { initial: 10 } })
    const each = Math.max(Math.floor(calls / 3), AT_ONCE)
    // Pools, threads and arenas that stay are there before the count begins.
    await prepare(2 * AT_ONCE * 20)
    await everything(client, Math.min(each, AT_ONCE * 20))
    const before = await held(rest)
    await prepare(calls * 2)
    const outcomes = await everything(client, each)
    const after = await held(rest)
    const counted = {}
    for (const outcome of outcomes) counted[outcome] = (counted[outcome] ?? 0) + 1
    return { calls: each * 3, outcomes: counted, before, after }
  } finally {
    server.kill()
  }
}

export async function main(calls, most = 1.05, rest = 12) {
  const figures = await soak(calls, rest)
  console.log(figures)
  const total = Object.values(figures.outcomes).reduce((sum, count) => sum + count, 0)
  assert.equal(total, figures.calls, 'a call without an outcome, or with two')
  assert(figures.outcomes.ok > figures.calls * 0.9)
  for (const [name, before] of Object.entries(figures.before)) {
    assert(figures.after[name] <= before * most + 1, `${name} grew from ${before} to ${figures.after[name]}`)
  }
  return figures
}

if (process.argv[2] === 'server') {
  const emulator = await Emulator.start()
  process.on('message', (steps) => {
    emulator.script(steps)
    process.send('ok')
  })
  process.on('disconnect', () => process.exit())
  process.send(emulator.url)
} else if (process.argv[1] === import.meta.filename) {
  await main(Number(process.argv[2] ?? 20_000))
}
