import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Client, Image, NanoBananaError, RateLimitError, type ErrorJSON } from 'nanobanana-sdk'
import { node, offline, root, until } from './helpers'

test('import and require give the same classes', async () => {
  const program = `
    import * as esm from 'nanobanana-sdk'
    import { createRequire } from 'node:module'
    const cjs = createRequire(process.cwd() + '/x.js')('nanobanana-sdk')
    const names = Object.keys(cjs).filter((name) => name !== '__esModule')
    if (names.length < 20) throw new Error('only ' + names)
    for (const name of names) if (esm[name] !== cjs[name]) throw new Error(name + ' differs')
    console.log('same')`
  assert.equal(await node(['--input-type=module', '-e', program]), 'same')
  assert.equal(await node(['-e', "console.log(typeof require('nanobanana-sdk').Client)"]), 'function')
})

test('an open offline client does not keep the process alive', async () => {
  const program = `
    const { Client, Emulator } = require('nanobanana-sdk')
    void (async () => {
      globalThis.kept = [await Client.offline(), await Emulator.start()]
      const { image } = await kept[0].generate('a boat')
      console.log(image.width)
    })()`
  assert.equal(await node(['-e', program]), '1024')
})

test('a worker thread has clients of its own, and its end ends their requests', () =>
  offline(async (_client, emulator) => {
    emulator.script([{ status: 429, json: { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'x' } } }, { hang: true }])
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Client } = require('nanobanana-sdk')
      const client = new Client({ baseUrl: workerData, apiKey: 'k', retry: false })
      void (async () => {
        const error = await client.generate('a boat').catch((error) => error.toJSON())
        parentPort.postMessage(error)
        await client.generate('a boat')
      })()`
    // As an eval it resolves the package from the working directory.
    const worker = new Worker(program, { eval: true, workerData: emulator.url, execArgv: [] })
    const json = await new Promise<ErrorJSON>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    assert.ok(NanoBananaError.fromJSON(json) instanceof RateLimitError)
    await until(() => emulator.requests.length === 2, 'the second request')
    await worker.terminate()
    await until(() => emulator.requests[1]?.cancelled === true, 'the request to end with its thread')
  }))

test('nothing blocks the event loop', async () => {
  const client = await Client.offline()
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  // Each takes long, and the loop turns meanwhile, however busy the machine is.
  const turning = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const before = turns
    const done = await work
    assert.ok(turns - before > 2, `${turns - before} turns: ${what}`)
    return done
  }
  try {
    const { image } = await turning('a call', client.generate('a boat', { model: 'nano-banana-pro', imageSize: '2K' }))
    const webp = await turning('a conversion', image.convert('webp'))
    assert.ok(webp instanceof Image)
    await turning('another size', webp.resize(3000, 3000))
  } finally {
    clearInterval(timer)
  }
})

test('the command runs from npm', async () => {
  const cli = join(root, 'bindings-node', 'dist', 'cli.js')
  const out = join(await mkdtemp(join(tmpdir(), 'nanobanana-')), 'boat')
  await node([cli, 'generate', 'a boat', '--offline', '-o', out, '--aspect-ratio', '16:9'])
  const jpeg = await Image.open(`${out}.jpg`).catch(() => Image.open(`${out}.png`))
  assert.deepEqual([jpeg.width, jpeg.height], [1376, 768])
  await assert.rejects(node([cli, 'generate', 'a boat', '--offline', '--aspect-ratio', '5:7', '-o', out]), { code: 2 })
})

const ends = [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const

test('a signal ends the command and its request', { skip: process.platform === 'win32' }, () =>
  offline(async (_client, emulator) => {
    emulator.script([{ hang: true, times: 'always' }])
    const cli = join(root, 'bindings-node', 'dist', 'cli.js')
    const env = { ...process.env, GOOGLE_API_KEY: 'k', GOOGLE_GEMINI_BASE_URL: emulator.url }
    for (const [index, [signal, wanted]] of ends.entries()) {
      const child = spawn(process.execPath, [cli, 'generate', 'a boat', '-o', join(tmpdir(), 'never')], { env, stdio: 'ignore' })
      await until(() => emulator.requests.length === index + 1, 'the request')
      const pressed = performance.now()
      child.kill(signal)
      const code = await new Promise((resolve) => child.once('exit', resolve))
      assert.equal(code, wanted)
      assert.ok(performance.now() - pressed < 2500, 'it must be the core that ends it')
      await until(() => emulator.requests[index]?.cancelled === true, 'the request to end')
    }
  }))

test('a signal ends the emulator and a read', { skip: process.platform === 'win32' }, async () => {
  const cli = join(root, 'bindings-node', 'dist', 'cli.js')
  const folder = await mkdtemp(join(tmpdir(), 'nanobanana-'))
  for (const [signal, wanted] of ends) {
    for (const args of [['emulate'], ['many', '-', '--offline', '-o', folder]]) {
      const child = spawn(process.execPath, [cli, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
      // One line is answered, and the next one is waited for.
      child.stdin.write('"a boat"\n')
      await new Promise((resolve) => child.stdout.once('data', resolve))
      child.kill(signal)
      assert.equal(await ended, args[0] === 'emulate' && signal === 'SIGTERM' ? 0 : wanted, `${signal} ${args}`)
      clearTimeout(late)
    }
  }
})
