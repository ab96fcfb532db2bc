// Must compile under `strict`: what a user writes, and (marked) what must not pass.
import {
  APIStatusError,
  Client,
  Emulator,
  Image,
  NanoBananaError,
  RateLimitError,
  Result,
  generate,
  type AspectRatio,
  type GenerateOptions,
  type ModelInfo,
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

  // @ts-expect-error a misspelt option
  await client.generate('x', { aspectRation: '1:1' })
  // @ts-expect-error a number is no prompt
  await client.generate(5)
  // @ts-expect-error a closed list
  await client.generate('x', { thinking: 'very' })
  // @ts-expect-error pictures are made by calls
  new Image()

  try {
    await generate('x', { signal: null })
  } catch (error) {
    if (error instanceof RateLimitError) return String(error.retryAfter)
    if (error instanceof APIStatusError) return `${error.status} ${error.attempts[0]?.requestId}`
    if (error instanceof NanoBananaError) return JSON.stringify(error)
  }
  const emulator = await Emulator.start({ port: 0 })
  emulator.script([{ status: 429 }])
  const keyed = new Client({ apiKey: async () => 'key', baseUrl: emulator.url })
  await keyed.withOptions({ model: 'x' }).close()
  return models[0]?.id ?? (await image.save('boat'))
}

/** As a browser and canvas packages have it. */
interface ImageData {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}
