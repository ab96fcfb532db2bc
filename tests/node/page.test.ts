// The emulator's page in headless Chromium, driven over its debugging pipe: no library, no port.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { offline } from './helpers'

const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter((name) => name != null)
const chromium = names.find((name) => spawnSync(name, ['--version']).status === 0)
const skip = chromium ? false : 'there is no Chromium; CHROMIUM names one'

interface Page {
  /** What an expression gives; promises are waited for. */
  eval(expression: string): Promise<unknown>
  /** Waits until it gives something true. */
  until(expression: string): Promise<void>
  size(width: number, height: number): Promise<void>
  shoot(path: string): Promise<void>
  /** What went wrong in it: exceptions, and all that the console was told. */
  readonly faults: string[]
}

async function open(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'page-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${folder}`]
  const browser = spawn(chromium as string, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const [write, read] = [browser.stdio[3] as Writable, browser.stdio[4] as Readable]
  const waiting = new Map<number, { done: (result: any) => void; failed: (error: Error) => void }>()
  const faults: string[] = []
  let [number, text] = [0, '']
  read.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    const messages = text.split('\0')
    text = messages.pop() ?? ''
    for (const message of messages.map((message) => JSON.parse(message))) {
      const { method, params } = message
      if (method === 'Runtime.exceptionThrown') faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text)
      if (method === 'Log.entryAdded') faults.push(params.entry.text)
      const asked = waiting.get(message.id)
      if (asked == null) continue
      waiting.delete(message.id)
      if (message.error) asked.failed(new Error(message.error.message))
      else asked.done(message.result)
    }
  })
  const gone = (): void => waiting.forEach(({ failed }) => failed(new Error('the browser has gone')))
  browser.on('exit', gone)
  // A browser that is killed while it speaks leaves a pipe that says so.
  for (const pipe of [write, read]) pipe.on('error', gone)
  const ask = (method: string, params: object = {}, sessionId?: string): Promise<any> =>
    new Promise((done, failed) => {
      waiting.set(++number, { done, failed })
      write.write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`)
    })
  try {
    const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true })
    const tell = (method: string, params: object = {}): Promise<any> => ask(method, params, sessionId)
    for (const domain of ['Runtime', 'Log', 'Page']) await tell(`${domain}.enable`)
    await tell('Page.navigate', { url })
    const page: Page = {
      faults,
      async eval(expression) {
        const { result, exceptionDetails } = await tell('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
        assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description)
        return result.value
      },
      async until(expression) {
        const end = Date.now() + 20_000
        while (!(await page.eval(`Promise.resolve(${expression}).then(Boolean)`))) {
          assert.ok(Date.now() < end, `waited in vain for ${expression}; ${faults.join('; ')}`)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      },
      size: (width, height) => tell('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 }),
      async shoot(path) {
        const { data } = await tell('Page.captureScreenshot', { format: 'png' })
        await writeFile(path, Buffer.from(data, 'base64'))
      },
    }
    await page.until('document.readyState === "complete"')
    await use(page)
  } finally {
    browser.kill('SIGKILL')
    await new Promise((resolve) => (browser.exitCode ?? browser.signalCode) != null ? resolve(null) : browser.on('exit', resolve))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const submit = (form: string, values: Record<string, string>): string =>
  `{ const form = document.getElementById('${form}'); ${Object.entries(values)
    .map(([name, value]) => `form.elements['${name}'].value = ${JSON.stringify(value)}; form.elements['${name}'].dispatchEvent(new Event('change', { bubbles: true }));`)
    .join(' ')} form.requestSubmit() }`

test('a prompt is drawn, calls come with their pictures, and faults are set', { skip, timeout: 90_000 }, () =>
  offline(async (client, emulator) => {
    await open(emulator.url, async (page) => {
      await page.size(1100, 1300)
      await page.until("document.querySelectorAll('select[name=model] option').length > 3")
      assert.equal(await page.eval("document.getElementById('base').textContent"), emulator.url)
      const offered = async (model: string): Promise<unknown> => page.eval(`{ const form = document.getElementById('try').elements;
        form.model.value = '${model}'; form.model.dispatchEvent(new Event('change'));
        JSON.stringify([form.ratio, form.size].map((select) => [select.options.length, select.disabled])) }`)
      // Beside "model's own".
      assert.equal(await offered('gemini-3.1-flash-image'), '[[15,false],[5,false]]')
      assert.equal(await offered('gemini-2.5-flash-image'), '[[11,false],[1,true]]')
      await page.eval(submit('try', { prompt: 'A banana at night', model: 'gemini-2.5-flash-image', ratio: '16:9' }))
      await page.until("!document.getElementById('drawn').hidden")
      assert.match(String(await page.eval("document.querySelector('#drawn figcaption').textContent")), /^1344 × 768, image\/png/)
      await page.until("document.querySelectorAll('#calls img').length === 1")
      const words = "[...document.querySelectorAll('#calls .words')].map((element) => element.textContent)"
      assert.deepEqual(await page.eval(words), ['A banana at night'])

      await page.eval(submit('fault', { kind: 'blocked', times: '1', prompt: 'spy' }))
      await page.until("document.getElementById('steps').textContent.includes('PROHIBITED_CONTENT')")
      await client.generate('a boat')
      await assert.rejects(client.generate('a spy'), { name: 'BlockedError' })
      await page.until("document.querySelectorAll('#calls > li').length === 3")
      assert.deepEqual(await page.eval(words), ['a spy', 'a boat', 'A banana at night'], 'the last one comes first')
      await page.until("document.getElementById('steps').textContent === 'none'")
      assert.equal(await page.eval("document.querySelector('#calls .status').textContent"), '200 PROHIBITED_CONTENT')

      await page.eval("document.querySelector('#calls details').open = true")
      await page.until("document.querySelectorAll('#calls pre').length === 3")
      const whole = String(await page.eval("document.querySelector('#calls .whole').textContent"))
      assert.ok(whole.includes('"blockReason": "PROHIBITED_CONTENT"') && !whole.includes('test-key'), whole)
      if (process.env.PAGE_SHOT) await page.shoot(process.env.PAGE_SHOT)

      await page.eval(submit('limits', { rpm: '0' }))
      await page.until("fetch('/__emulator/limits').then((reply) => reply.json()).then(({ rpm }) => rpm === 0)")
      await page.eval(submit('try', { prompt: '<img src=x onerror=alert(1)>' }))
      await page.until("!document.getElementById('refused').hidden")
      assert.match(String(await page.eval("document.getElementById('refused').textContent")), /exceeded your current quota/)
      await page.until(`${words}[0] === '<img src=x onerror=alert(1)>'`)
      assert.deepEqual(page.faults.filter((fault) => !fault.includes('429')), [])
    })
  }))

test('the page fits a phone, and everything in it can be named and reached', { skip, timeout: 60_000 }, () =>
  offline(async (client, emulator) => {
    await open(emulator.url, async (page) => {
      await page.size(360, 740)
      await page.until("document.querySelectorAll('select[name=model] option').length > 3")
      await client.generate('a word that is as long as it can be: ' + 'x'.repeat(200))
      await page.until("document.querySelectorAll('#calls > li').length === 1")
      await page.eval("document.querySelector('#calls details').open = true")
      await page.until("document.querySelectorAll('#calls pre').length >= 2")
      assert.ok(Number(await page.eval('document.documentElement.scrollWidth')) <= 360, 'it is no wider than the screen')
      const unnamed = `[...document.querySelectorAll('input, select, textarea, button, img')].filter((element) =>
        !(element.labels?.length || element.textContent.trim() || element.alt || element.closest('[hidden]'))).map((element) => element.outerHTML)`
      assert.deepEqual(await page.eval(unnamed), [])
      const small = `[...document.querySelectorAll('input, select, textarea, button, summary')].filter((element) =>
        element.getClientRects().length && element.getBoundingClientRect().height < 43).map((element) => element.outerHTML)`
      assert.deepEqual(await page.eval(small), [], 'a finger can meet it')
      assert.equal(await page.eval("document.documentElement.lang + document.querySelectorAll('h1').length"), 'en1')
      assert.deepEqual(page.faults, [])
    })
  }))
