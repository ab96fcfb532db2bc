// A service that says wait is not asked while it waits; a quota of the day is asked once.

import assert from 'node:assert/strict'
import { Client, Emulator, RateLimitError } from 'nanobanana-sdk'

const AT_ONCE = 32

const limited = (...details) => ({ status: 429, error: { message: 'Resource has been exhausted.', details } })
const namedWait = (seconds) => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${seconds}s` })
const DAILY = {
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel', quotaValue: '100' }],
}

async function storm(seconds) {
  const emulator = await Emulator.start()
  try {
    emulator.script(Array(AT_ONCE).fill({ ...limited(namedWait(seconds)), delay: 0.1 }))
    const client = new Client({ apiKey: 'storm-key', baseUrl: emulator.url })
    const began = performance.now()
    const calls = Array.from({ length: AT_ONCE }, (_, number) => client.generate(`banana ${number}`))
    const results = await Promise.all(calls)
    const took = (performance.now() - began) / 1000
    assert(results.every((result) => result.image))
    const sent = emulator.requests.map((request) => request.at).sort((a, b) => a - b)
    assert.equal(sent.length, 2 * AT_ONCE)
    // A reply takes 0.1 s; nobody is told to wait before that.
    const quiet = sent[AT_ONCE] - sent[0] - 0.1
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
  assert(figures[1].took_s < 1)
  return figures
}

if (process.argv[1] === import.meta.filename) await main(Number(process.argv[2] ?? 4))
