// What only JavaScript can show of uploaded files.
import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { AuthenticationError, Client, Files, ImageError, PermissionDeniedError, type File as Uploaded } from 'nanobanana-sdk'
import { offline, until } from './helpers'

const pdf = Buffer.from('%PDF-1.7\n')

test('a file goes up from whatever it is', () =>
  offline(async (client) => {
    const path = join(await mkdtemp(join(tmpdir(), 'nanobanana-')), 'a.txt')
    await writeFile(path, 'tides')
    const { image } = await client.generate('a boat')
    assert.ok(client.files instanceof Files)
    const files: Uploaded[] = []
    for (const source of [path, pathToFileURL(path), pdf, new Blob([pdf]), image]) files.push(await client.files.upload(source))
    const types = files.map((file) => file.mimeType)
    assert.deepEqual(types, ['text/plain', 'text/plain', 'application/pdf', 'application/pdf', image.mimeType])
    assert.deepEqual(new Set((await client.files.list()).map((file) => file.name)), new Set(files.map((file) => file.name)))
    const [first] = files as [Uploaded]
    assert.deepEqual(await client.files.get(first.uri), first)
    await client.files.delete(first)
    await assert.rejects(client.files.get(first.name), PermissionDeniedError)
  }))

test('a file is taken wherever a picture is, also after it travelled as JSON', () =>
  offline(async (client) => {
    const { image } = await client.generate('a boat', { model: 'nano-banana-pro' })
    const file = JSON.parse(JSON.stringify(await client.files.upload(image))) as Uploaded
    const options = { model: 'nano-banana-pro', extra: { generationConfig: { seed: 3 } } }
    const [one, other] = [await client.edit('at night', [file], options), await client.edit('at night', image, options)]
    assert.ok(one.image.equals(other.image))
    await client.generate(['as in', file], options)
    assert.equal((await client.countTokens('night', { images: file, model: 'nano-banana-pro' })).imageTokens, 560)
    const failed = { ...file, state: 'FAILED', error: 'too dark' }
    await assert.rejects(client.edit('at night', failed), (error) => error instanceof ImageError && /too dark/.test(error.message))
  }))

test('a signal ends an upload, and a key of each call is asked for', () =>
  offline(async (client, emulator) => {
    emulator.script([{ match: { call: 'upload_chunk' }, hang: true }])
    const controller = new AbortController()
    const upload = client.files.upload(pdf, { signal: controller.signal })
    await until(() => emulator.requests.length === 2, 'the chunk is on its way')
    controller.abort(new Error('enough'))
    await assert.rejects(upload, /enough/)
    await until(() => emulator.requests[1]?.cancelled === true, 'the request is gone')
    const keyed = new Client({ baseUrl: emulator.url, apiKey: async () => 'bad', retry: false })
    await assert.rejects(keyed.files.list(), AuthenticationError)
  }))
