// What takes a picture's bytes under the types of browsers, which Next.js and many other projects have on.
import { Client, type Image } from 'nanobanana-sdk'

export async function use(): Promise<Image> {
  const client = await Client.offline()
  const { image } = await client.generate('a boat')
  new Response(image.bytes, { headers: { 'content-type': image.mimeType } })
  new Blob([image.bytes], { type: image.mimeType })
  await fetch('http://localhost', { method: 'POST', body: image.bytes })
  await crypto.subtle.digest('SHA-256', image.bytes)
  return image
}
