// Items of a journal that version 0.1.0 wrote are known from Node, too; core/tests/golden.rs has the rest.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Attachment, Box, Reference, type Item } from 'nanobanana-sdk'
import { offline, root } from './helpers'

test('a journal of 0.1.0 goes on', () =>
  offline(async (client, emulator) => {
    const place = mkdtempSync(join(tmpdir(), 'golden-'))
    cpSync(join(root, 'tests', 'golden', '0.1.0'), place, { recursive: true })
    emulator.script([{ image: 'png 8x8', times: 50 }])
    const boat = join(place, 'inputs', 'boat.png')
    const turned = join(place, 'inputs', 'turned.jpg')
    const prices = new Attachment(join(place, 'inputs', 'prices.csv'))
    const items: Item[] = [
      { prompt: 'a plain banana' },
      { prompt: 'a plain banana' },
      { prompt: 'a named banana', id: 'named', options: { aspectRatio: '16:9', seed: 7, temperature: 0.5 } },
      { prompt: 'a banana in a boat', images: readFileSync(boat) },
      { prompt: 'a banana on its side', images: turned, options: { imageSize: '2K', model: 'nano-banana-pro' } },
      { prompt: 'two bananas', options: { n: 2, system: 'draw flat' } },
      { prompt: 'a masked banana', images: boat, options: { mask: new Box(0, 0, 4, 4) } },
      { prompt: 'a banana with a text', options: { attachments: prices, timeout: 60_000, retry: { maxAttempts: 2 } } },
      { prompt: 'a banana of Mia', images: new Reference(boat, { name: 'Mia', role: 'character' }) },
      { prompt: 'a small boat', images: boat, options: { encode: { maxSide: 4, format: 'png' } } },
      { prompt: 'done, and its line is gone', id: 'no line' },
    ]
    const cached: boolean[] = []
    const options = { journal: join(place, 'run.jsonl'), saveTo: join(place, 'out'), concurrency: 1, ordered: true }
    for await (const outcome of client.generateMany(items, options)) cached.push(outcome.cached)
    assert.deepEqual(cached, items.map(() => true))
    assert.equal(emulator.requests.length, 0)
  }))
