// Records the answers of Node anew: `node tests/fossils/make.mjs`.
import { writeFileSync } from 'node:fs'
import { FILES, record } from './answered.mjs'

for (const name of ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_API_VERSION']) delete process.env[name]
for (const [part, value] of Object.entries(await record())) {
  const lines = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}:${JSON.stringify(entry)}`)
  writeFileSync(new URL(FILES[part], import.meta.url), `{\n${lines.join(',\n')}\n}\n`)
  console.log(`${FILES[part]}: ${lines.length} entries`)
}
