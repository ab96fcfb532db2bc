// A chat that draws, in the terminal, with Google's own library. Offline, in two terminals:
//   nanobanana emulate --port 8080
//   npm install && GEMINI_API_KEY=any GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080 npm start
// Without GOOGLE_GEMINI_BASE_URL, and with a key of your own, the same program asks Google.
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { GoogleGenAI } from '@google/genai'

const ai = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY })
const chat = ai.chats.create({ model: 'gemini-3-pro-image', config: { imageConfig: { aspectRatio: '16:9' } } })
const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: 'you: ', terminal: process.stdin.isTTY })

let count = 0
lines.prompt()
for await (const message of lines) {
  if (message.trim()) {
    try {
      for await (const event of await chat.sendMessageStream({ message })) {
        for (const { text, inlineData, thought } of event.candidates?.[0]?.content?.parts ?? []) {
          if (text && !thought) process.stdout.write(text)
          if (!inlineData || thought) continue
          const name = `picture-${++count}.${inlineData.mimeType.split('/')[1]}`
          writeFileSync(name, Buffer.from(inlineData.data, 'base64'))
          process.stdout.write(`\n[${name}]`)
        }
      }
      console.log()
    } catch (error) {
      console.error(`refused: ${error.message}`)
    }
  }
  lines.prompt()
}
