// A service that says wait is not asked while it waits; a quota of the day is asked once.

import assert from 'node:assert/strict'
import { Client, Emulator, RateLimitError } from 'nanobanana-sdk'

const AT_ONCE = 32
// A reply takes so long that all have asked before one is told to wait.
const REPLY = 2

const limited = (...details) => ({ status: 429, error: { message: 'Resource has been exhausted.', details } })
const namedWait = (seconds) => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${seconds}s` })
const DAILY = {
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel', quotaValue: '100' }],
}

async function storm(seconds) {
  const emulator = await Emulator.start()
  try {
    emulator.script(Array(AT_ONCE).fill({ ...limited(namedWait(seconds)), delay: REPLY }))
    const client = new Client({ apiKey: 'storm-key', baseUrl: emulator.url })
    const began = performance.now()
    const calls = Array.from({ length: AT_ONCE }, (_, number) => client.generate(`banana ${number}`))
    const results = await Promise.all(calls)
    const took = (performance.now() - began) / 1000
    assert(results.every((result) => result.image))
    const sent = emulator.requests.map((request) => request.at).sort((a, b) => a - b)
    assert.equal(sent.length, 2 * AT_ONCE)
    const quiet = sent[AT_ONCE] - sent[0] - REPLY
    return { succeeded: results.length, requests: sent.length, quiet_s: +quiet.toFixed(3), took_s: +took.toFixed(2) }
  } finally {
    await emulator.close()
  }
}

async function daily() {
  const emulator = await Emulator.start()
  try {
    emulator.script(Array(4).fill(limited(DAILY, namedWait(3600))))
    const client = new Client({ apiKey: 'storm-key', baseUrl: emulator.url })
    const began = performance.now()
    await assert.rejects(client.generate('a banana'), (error) => {
      return error instanceof RateLimitError && error.permanent && !error.retryable
    })
    return { requests: emulator.requests.length, took_s: +((performance.now() - began) / 1000).toFixed(3) }
  } finally {
    await emulator.close()
  }
}

export async function main(seconds) {
  const figures = [await storm(seconds), await daily()]
  console.log(...figures)
  assert(figures[0].quiet_s >= seconds, 'a request was sent during the pause')
  assert.equal(figures[1].requests, 1)
  assert(figures[1].took_s < 60)
  return figures
}

if (process.argv[1] === import.meta.filename) await main(Number(process.argv[2] ?? 4))
