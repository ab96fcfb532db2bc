import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { Chat, Client, ConfigError, Image, InvalidOptionError, NoImageError, Result, type ChatTurn, type Emulator } from 'nanobanana-sdk'
import { offline, until } from './helpers'

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'nanobanana-'))
const said = (history: ChatTurn[]): string[] => history.filter((turn) => turn.role === 'user').map((turn) => turn.text)

interface Body {
  contents: Array<{ role: string; parts: Array<{ text?: string; thoughtSignature?: unknown; inlineData?: unknown }> }>
}
const body = (emulator: Emulator): Body => emulator.requests.at(-1)?.json as Body

test('a conversation sends what was drawn back, in turns and in streams', () =>
  offline(async (client, emulator) => {
    const chat = client.chat({ model: 'nano-banana-pro', aspectRatio: '16:9' })
    assert.ok(chat instanceof Chat)
    const first = await chat.send('a mascot')
    assert.ok(first instanceof Result && first.image.width === 1376)
    const logo = await first.image.resize(8, 8)
    const second = await chat.send('now waving', { images: [logo], aspectRatio: '1:1' })
    assert.equal(second.image.width, 1024, 'a turn may have options of its own')
    const types: string[] = []
    for await (const event of chat.sendStream('now blue', { images: logo })) types.push(event.type)
    assert.ok(types.includes('image') && types.at(-1) === 'done')
    assert.deepEqual(body(emulator).contents.map(({ role }) => role), ['user', 'model', 'user', 'model', 'user'])
    assert.ok(body(emulator).contents[1]?.parts.some((part) => part.thoughtSignature))

    const { history } = chat
    assert.deepEqual(history.map(({ role, images }) => [role, images.length]), [['user', 0], ['model', 1], ['user', 1], ['model', 1], ['user', 1], ['model', 1]])
    assert.ok(history[1]?.images[0] instanceof Image && history[1].images[0].equals(first.image))
    // The same memory is lent once only; a second look at it is a copy.
    assert.ok(history[1].images[0].bytes.equals(first.image.bytes))

    const branch = chat.branch()
    assert.equal(chat.undo(), true)
    assert.deepEqual([said(chat.history), said(branch.history)], [['a mascot', 'now waving'], ['a mascot', 'now waving', 'now blue']])
    chat.dropImages(1)
    assert.deepEqual(chat.history.map(({ images }) => images.length), [0, 0, 0, 1])
    chat.dropImages()
    assert.ok(chat.history.every(({ images }) => images.length === 0))
    assert.equal(branch.history.flatMap(({ images }) => images).length, 5)
    while (chat.undo());
    assert.deepEqual(chat.history, [])
  }))

test('sends at the same time queue', () =>
  offline(async (client, emulator) => {
    const chat = client.chat()
    const order: string[] = []
    const send = (prompt: string): Promise<unknown> => chat.send(prompt).then(() => order.push(prompt))
    await Promise.all(['one', 'two', 'three'].map(send))
    assert.deepEqual([order, said(chat.history)], [['one', 'two', 'three'], ['one', 'two', 'three']])
    assert.deepEqual(emulator.requests.map((request) => (request.json as Body).contents.length), [1, 3, 5])
  }))

test('an abort ends a turn and leaves the conversation as it was', () =>
  offline(async (client, emulator) => {
    const chat = client.chat()
    await chat.send('a mascot')
    emulator.script([{ hang: true }, { hang: true }])
    for (const stream of [false, true]) {
      const controller = new AbortController()
      const options = { signal: controller.signal }
      const number = emulator.requests.length
      const waits = stream ? chat.sendStream('now waving', options).next() : chat.send('now waving', options)
      await until(() => emulator.requests.length > number, 'the request')
      assert.equal(chat.history.length, 2, 'the history never waits')
      controller.abort('enough')
      await assert.rejects(waits, (error) => error === 'enough')
      await until(() => emulator.requests[number]?.cancelled === true, 'the request to end')
    }
    await chat.send('now blue')
    assert.deepEqual(said(chat.history), ['a mascot', 'now blue'])
  }))

test('an answer in words is a turn, and has no image', () =>
  offline(async (client, emulator) => {
    emulator.script([{ text: 'What colour?' }])
    const result = await client.chat().send('a mascot')
    assert.deepEqual([result.text, result.images], ['What colour?', []])
    assert.throws(() => result.image, NoImageError)
  }))

test('turns that were not said here can be put into the history', () =>
  offline(async (client, emulator) => {
    const { image } = await client.generate('a sample')
    const chat = client.chat({ model: 'nano-banana-pro' })
    await chat.add('this is our mascot', { images: [image] })
    await chat.add(['here it is', image], { role: 'model' })
    assert.deepEqual(chat.history.map(({ role, text, images }) => [role, text, images.length]), [
      ['user', 'this is our mascot', 1],
      ['model', 'here it is', 1],
    ])
    await chat.send('now waving')
    assert.ok(body(emulator).contents[1]?.parts.every((part) => part.thoughtSignature))
    await assert.rejects(chat.add('x', { role: 'system' as 'user' }), InvalidOptionError)
  }))

test('a conversation is saved and goes on', () =>
  offline(async (client, emulator) => {
    const chat = client.chat({ model: 'nano-banana-pro', aspectRatio: '16:9', timeout: 5000 })
    const { image } = await chat.send('a mascot')
    const path = await chat.save(join(await folder(), 'mascot'))
    assert.match(path, /mascot\.chat\.json$/)
    const again = await client.loadChat(pathToFileURL(path))
    assert.ok(again.history[1]?.images[0]?.equals(image))
    assert.equal((await again.send('now waving')).image.width, 1376)
    assert.equal(body(emulator).contents.length, 3)
    const square = await client.loadChat(path, { aspectRatio: '1:1' })
    assert.equal((await square.send('now blue')).image.width, 1024)
    const file = JSON.parse(await readFile(path, 'utf8'))
    assert.deepEqual([file.options.aspect_ratio, file.options.timeout.total ?? file.options.timeout], ['16:9', 5], 'the file is the same in every language')
  }))

test('a file as another language writes it opens, and a bad one is named', () =>
  offline(async (client, emulator) => {
    const path = join(await folder(), 'a.chat.json')
    const turns = [
      { role: 'user', parts: [{ text: 'a mascot' }] },
      { role: 'model', parts: [{ text: 'Which colour?', thoughtSignature: 'skip_thought_signature_validator' }] },
    ]
    const options = { model: 'nano-banana-pro', aspect_ratio: '16:9', timeout: 5.5, retry: { max_attempts: 2, initial: 0.5 } }
    await writeFile(path, JSON.stringify({ nanobanana_chat: 1, options, turns }))
    const chat = await client.loadChat(path)
    assert.deepEqual(chat.history.map(({ text }) => text), ['a mascot', 'Which colour?'])
    assert.equal((await chat.send('blue')).image.width, 1376)
    assert.equal(body(emulator).contents[1]?.parts[0]?.thoughtSignature, 'skip_thought_signature_validator')
    for (const text of ['{', '{}', '{"nanobanana_chat":99,"options":{},"turns":[]}']) {
      await writeFile(path, text)
      await assert.rejects(client.loadChat(path), (error) => error instanceof InvalidOptionError && error.message.includes(path))
    }
    await assert.rejects(client.loadChat(join(path, 'missing')), InvalidOptionError)
  }))

test('options of a conversation are held against the tables at once', () =>
  offline(async (client) => {
    assert.throws(() => client.chat({ aspectRation: '1:1' } as object), InvalidOptionError)
    assert.throws(() => client.chat({ n: 2 }), InvalidOptionError)
    assert.throws(() => client.chat({ signal: new AbortController().signal } as object), InvalidOptionError)
  }))

test('a key function is asked for each turn, and a closed client stays closed', () =>
  offline(async (_client, emulator) => {
    let asked = 0
    const client = new Client({ baseUrl: emulator.url, apiKey: async () => (++asked === 2 ? 'bad' : `good-${asked}`) })
    const chat = client.chat()
    await chat.send('a mascot')
    await assert.rejects(chat.send('now waving'), { name: 'AuthenticationError' })
    await chat.branch().send('now blue')
    await chat.save(join(await folder(), 'a'))
    assert.equal(asked, 3)
    assert.deepEqual(said(chat.history), ['a mascot'])
    await client.close()
    await assert.rejects(chat.send('x'), ConfigError)
    assert.equal(asked, 3)
  }))
