// Makes every ask of asks.json with @google/genai; prints what was sent as a line of JSON each.
import { readFileSync } from 'node:fs'
import { GoogleGenAI } from '@google/genai'
import { controls, requests, script as play, url } from './kit.mjs'

const tests = process.env.TESTS

/** Makes one ask, step by step. */
function maker() {
  const client = new GoogleGenAI({ apiKey: 'any-key', httpOptions: { baseUrl: url } })
  let [chat, uri] = [undefined, '']
  const given = (value) => {
    if (Array.isArray(value)) return value.map(given)
    if (value === null || typeof value !== 'object') return value
    if (value.bytes_of) return readFileSync(`${tests}/${value.bytes_of}`).toString('base64')
    if (value.path) return `${tests}/${value.path}`
    if (value.uri_of_upload) return uri
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, given(item)]))
  }
  return async ([name, args]) => {
    const [owner, verb] = name.split('.')
    const made = await (owner === 'chat' ? chat : client[owner])[verb](given(args))
    if (owner === 'chats') chat = made
    else if (verb === 'upload') uri = made.uri
    else if (made[Symbol.asyncIterator]) for await (const _ of made);
  }
}

for (const { id, js, script } of JSON.parse(readFileSync(`${tests}/clients/asks.json`, 'utf8'))) {
  await controls('reset', {})
  await play(...(script ?? []))
  let fault = null
  try {
    const make = maker()
    for (const step of js) await make(step)
  } catch (error) {
    fault = String(error.stack ?? error).slice(0, 1500)
  }
  console.log(JSON.stringify({ id, fault, requests: await requests() }))
}
