import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { offline, until } from './helpers'

const hang = [{ hang: true }]

test('an abort ends the request and rejects with the reason of the signal', () =>
  offline(async (client, emulator) => {
    emulator.script(hang)
    const controller = new AbortController()
    const call = client.generate('a boat', { signal: controller.signal })
    await until(() => emulator.requests.length === 1, 'the request')
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await assert.rejects(call, (error) => error === reason)
    await until(() => emulator.requests[0]?.cancelled === true, 'the emulator to see the connection close')
  }))

test('a signal that is aborted already sends nothing', () =>
  offline(async (client, emulator) => {
    await assert.rejects(client.generate('a boat', { signal: AbortSignal.abort('no') }), (error) => error === 'no')
    assert.equal(emulator.requests.length, 0)
  }))

test('AbortSignal.timeout works and its own error comes out', () =>
  offline(async (client, emulator) => {
    emulator.script(hang)
    const call = client.generate('a boat', { signal: AbortSignal.timeout(50) })
    await assert.rejects(call, { name: 'TimeoutError' })
  }))

test('many calls share one listener on a signal, and none is left behind', () =>
  offline(async (client, emulator) => {
    const controller = new AbortController()
    const { signal } = controller
    let heard = false
    signal.onabort = () => (heard = true)
    const counts = { added: 0, removed: 0 }
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      counts.added++
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      counts.removed++
      removeEventListener.apply(signal, args)
    }
    await client.generate('a boat', { signal })
    assert.deepEqual(counts, { added: 1, removed: 1 })
    emulator.script(Array.from({ length: 12 }, () => ({ hang: true })))
    const calls = Array.from({ length: 12 }, () => client.generate('a boat', { signal }))
    await until(() => emulator.requests.length === 13, 'twelve requests')
    assert.equal(counts.added, 2)
    controller.abort()
    for (const call of await Promise.allSettled(calls)) {
      assert.equal(call.status === 'rejected' && call.reason, signal.reason)
    }
    assert.ok(heard, 'the handler of the caller must still be called')
  }))

test('an abort ends the reading of an input too', () =>
  offline(async (client, emulator) => {
    const stream = new Readable({ read() {} })
    const controller = new AbortController()
    const call = client.edit('x', stream, { signal: controller.signal })
    setTimeout(() => controller.abort('enough'), 20)
    await assert.rejects(call, (error) => error === 'enough')
    assert.ok(stream.destroyed)
    assert.equal(emulator.requests.length, 0)
  }))

test('something else than a signal is refused', () =>
  offline(async (client) => {
    const call = client.generate('x', { signal: 5 as unknown as AbortSignal })
    await assert.rejects(call, { name: 'InvalidOptionError', option: 'signal' })
  }))
