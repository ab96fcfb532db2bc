// How long it takes until a call that waits has ended. usage: node cancel.mjs
//
// One line for each way to end a call: the milliseconds until the caller goes on, and until the server saw
// the connection close; the worst of several calls. An emulator of its own answers, or rather does not.
import { setTimeout as rest } from 'node:timers/promises'
import { Client, Emulator } from 'nanobanana-sdk'

const TIMES = 10

async function report(what, call, end) {
  const times = { caller: 0, server: 0 }
  for (let i = 0; i < TIMES; i++) {
    const emulator = await Emulator.start()
    emulator.script([{ hang: true }])
    const client = new Client({ baseUrl: emulator.url, apiKey: 'key', retry: false, timeout: 3000 })
    const controller = new AbortController()
    const { stream, promise } = call(client, controller.signal)
    let ended
    const settled = Promise.resolve(promise).then(() => {}, () => {}).then(() => (ended = performance.now()))
    while (!emulator.requests.length) await rest(1)
    await rest(100)
    const began = performance.now()
    // Not awaited: it is the call that is timed.
    void end({ client, controller, stream })
    const limit = began + 5000
    let seen = NaN
    while (Number.isNaN(seen) && performance.now() < limit) {
      if (emulator.requests[0].cancelled) seen = performance.now()
      else await rest(0)
    }
    await settled
    times.caller = Math.max(times.caller, ended - began)
    times.server = Math.max(times.server, seen - began)
    await emulator.close()
  }
  const shown = (time) => time.toFixed(1).padStart(7)
  console.log(`${what.padEnd(32)} caller ${shown(times.caller)} ms   server ${shown(times.server)} ms`)
}

const generate = (client, signal) => ({ promise: client.generate('a boat', { signal }) })
const chat = (client, signal) => ({ promise: client.chat().send('a boat', { signal }) })
const streamed = (client, signal) => {
  const stream = client.generateStream('a boat', { signal })
  return { stream, promise: stream.next() }
}
const abort = ({ controller }) => controller.abort()

await report('controller.abort()', generate, abort)
await report('controller.abort() of a turn', chat, abort)
await report('controller.abort() of a stream', streamed, abort)
await report('stream.close()', streamed, ({ stream }) => stream.close())
await report('stream.return()', streamed, ({ stream }) => stream.return())
await report('client.close()', generate, ({ client }) => client.close())
