// Must compile under `strict`: what a user writes, and (marked) what must not pass.
import {
  APIError,
  APIStatusError,
  Attachment,
  BudgetExceededError,
  Client,
  Emulator,
  Image,
  NanoBananaError,
  RateLimitError,
  Reference,
  Result,
  generate,
  type AspectRatio,
  type AttachmentInput,
  type Budget,
  type Chat,
  type ChatTurn,
  type ClientEvent,
  type Estimate,
  type Event,
  type EventStream,
  type GenerateOptions,
  type Item,
  type ManyOptions,
  type ModelInfo,
  type Outcome,
  type Outcomes,
  type Prompt,
  type ScriptStep,
  type Spent,
} from 'nanobanana-sdk'

export async function sample(signal: AbortSignal, blob: Blob, picture: ImageData): Promise<string> {
  await using client = await Client.offline({ timeout: 5000, retry: { maxAttempts: 2, initial: 100 } })
  const options: GenerateOptions = { model: 'nano-banana-pro', aspectRatio: '16:9', imageSize: '2K', signal }
  const result: Result = await client.generate('A banana-shaped sailboat', options)
  const image: Image = result.image
  const odd: AspectRatio = '7:5'
  const night = await client.edit('Make it night', [image, 'sky.jpg', image.bytes, blob, picture], {
    aspectRatio: odd,
    retry: false,
    extra: { generationConfig: { topK: 3 } },
  })
  await client.edit(['Put', image, 'on', new URL('file:///tmp/a.png')], image)
  const models: ModelInfo[] = await client.models()
  const cost: number | null = night.cost
  void cost
  const estimate: Estimate = await client.estimate('a boat', { ...options, images: ['sky.jpg', image], n: 3 })
  const { usd, unknownCalls }: Spent = client.withOptions({ budget: { usd: 5, perCall: estimate.high } }).spent
  const budget: Budget = { usd }
  new Client({ budget: 5, apiKey: unknownCalls[0]?.reason ?? 'x' }).withOptions({ budget })
  // @ts-expect-error a text is no amount
  new Client({ budget: '5' })

  // @ts-expect-error a misspelt option
  await client.generate('x', { aspectRation: '1:1' })
  // @ts-expect-error a number is no prompt
  await client.generate(5)
  // @ts-expect-error a closed list
  await client.generate('x', { thinking: 'very' })
  // @ts-expect-error what goes with a prompt cannot be said before there is one
  await client.loadChat('talk', { attachments: 'plan.pdf' })
  // @ts-expect-error the same
  client.chat({ attachments: 'plan.pdf' })
  // @ts-expect-error pictures are made by calls
  new Image()

  try {
    await generate('x', { signal: null })
  } catch (error) {
    if (error instanceof BudgetExceededError) return String(error.needed ?? error.perCall)
    if (error instanceof RateLimitError) return String(error.retryAfter)
    if (error instanceof APIStatusError) return `${error.status} ${error.attempts[0]?.requestId}`
    if (error instanceof NanoBananaError) return JSON.stringify(error)
  }
  const emulator = await Emulator.start({ port: 0 })
  const limit: ScriptStep = { status: 429, times: 'always' }
  emulator.script([limit, {}, { delay: 0.5, text: 'No.', match: { seed: 7 } }])
  // @ts-expect-error a misspelt name
  emulator.script([{ stauts: 429 }])
  // @ts-expect-error a status is a number
  emulator.script([{ status: '429' }])
  // @ts-expect-error a kind of call that there is not
  emulator.script([{ match: { call: 'genrate' } }])
  // @ts-expect-error a number or one word
  emulator.script([{ times: 'ever' }])
  // @ts-expect-error a misspelt option
  await Client.offline({ timeuot: 5 })
  const keyed = new Client({ apiKey: async () => 'key', baseUrl: emulator.url })
  await keyed.withOptions({ model: 'x' }).close()
  return models[0]?.id ?? (await image.save('boat'))
}

export async function streams(client: Client, signal: AbortSignal): Promise<string> {
  const stream: EventStream = client.generateStream('tides', { thoughts: true, signal })
  let words = ''
  for await (const event of stream) {
    switch (event.type) {
      case 'thought':
        // @ts-expect-error a thought may be a draft only
        words += event.text.length
        words += event.text ?? event.image?.width
        break
      case 'text':
        words += event.text
        // @ts-expect-error words have no picture
        words += event.image
        break
      case 'image':
        words += event.image.width
        break
      case 'done': {
        const result: Result = event.result
        words += result.image.width
        break
      }
      default: {
        const never: never = event
        void never
      }
    }
  }
  await using left = client.editStream('night', 'a.png')
  const first: IteratorResult<Event, undefined> = await left.next()
  if (first.value?.type === 'image') words += first.value.image.mimeType
  await left.close()
  return words
}

export async function conversation(client: Client, signal: AbortSignal): Promise<string> {
  const chat: Chat = client.chat({ model: 'nano-banana-pro', timeout: 5000 })
  try {
    const { image }: Result = await chat.send('a mascot', { images: ['logo.png', Buffer.alloc(3)], signal, aspectRatio: '1:1' })
    await chat.send(['the same', image, 'waving'], { images: image })
    for await (const event of chat.sendStream('blue', { thoughts: true })) if (event.type === 'text') return event.text
  } catch (error) {
    if (error instanceof APIError && error.partial) return error.partial.text + error.partial.images[0]?.mimeType
  }
  await chat.add('this is it', { images: 'logo.png', role: 'model' })
  chat.dropImages(1)
  const history: ChatTurn[] = chat.branch().history
  const again: Chat = await client.loadChat(new URL(`file://${await chat.save('mascot')}`), { seed: 3 })
  // @ts-expect-error a conversation has no signal, its turns have
  client.chat({ signal })
  // @ts-expect-error only two can speak
  await chat.add('x', { role: 'system' })
  // @ts-expect-error the history is only read
  chat.history = []
  return again.undo() ? (history[0]?.role ?? '') : ''
}

export async function many(client: Client, prompts: AsyncIterable<string>, signal: AbortSignal): Promise<string[]> {
  const files: string[] = []
  function* items(): Generator<Prompt | Item> {
    yield 'a boat'
    yield { prompt: ['night', new Uint8Array()], images: 'sky.jpg', options: { seed: 3 }, id: 'night' }
  }
  const options: ManyOptions = { concurrency: 4, journal: 'run.jsonl', aspectRatio: '1:1', signal }
  for await (const outcome of client.generateMany(items(), options)) {
    if (outcome.ok) {
      files.push(...outcome.files, outcome.result.model)
      // @ts-expect-error there is none
      files.push(outcome.error.message)
    } else {
      const error: NanoBananaError = outcome.error
      // @ts-expect-error there is none
      files.push(outcome.result.model, error.message)
    }
  }
  await using run: Outcomes = client.generateMany(prompts)
  const first: IteratorResult<Outcome, undefined> = await run.next()
  files.push(`${first.value?.index}`)
  // @ts-expect-error a misspelt option
  client.generateMany(['a boat'], { concurency: 3 })
  // @ts-expect-error one prompt is not many
  client.generateMany({ prompt: 'a boat' })
  return files
}

export async function said(client: Client): Promise<void> {
  const mia = new Reference('mia.jpg', { name: 'Mia', role: 'character' })
  const talk: AttachmentInput = new Attachment(new URL('https://youtu.be/abc'), { start: 1000, fps: 2 })
  await client.edit(['Put', mia, talk], mia, { attachments: [talk, 'a.pdf', Buffer.from('a')] })
  await client.chat().send('a', { images: mia, attachments: talk })
  client.generateMany([{ prompt: 'a', options: { attachments: ['a.pdf'] } }])
  // @ts-expect-error a mistyped role
  new Reference('mia.jpg', { role: 'charcter' })
  // @ts-expect-error a number is no document
  new Attachment(5)
  // @ts-expect-error they go with what is said
  client.chat({ attachments: ['a.pdf'] })
  // @ts-expect-error they go with each item
  client.generateMany(['a'], { attachments: ['a.pdf'] })
}

export function watched(): Client {
  const events: ClientEvent[] = []
  const client = new Client({ onEvent: (event) => events.push(event) })
  // @ts-expect-error not a function
  client.withOptions({ onEvent: 5 })
  return client.withOptions({ onEvent: ({ wait }) => void (wait ?? 0).toFixed() })
}

/** As a browser and canvas packages have it. */
interface ImageData {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}
