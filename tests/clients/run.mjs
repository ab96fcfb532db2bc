// Runs every client's scenarios and compares what they send with what nanobanana sends; see README.md.
// node tests/clients/run.mjs [--write]    --write takes the table that came out into docs/clients.md
import { copyFileSync, readFileSync, readdirSync, rmSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compared } from './compare.mjs'
import { startEmulator } from './emulator.mjs'
import { examples } from './examples.mjs'
import { cache, here, inNpm, node, ours, python, pythonOld, root, run, setup } from './setup.mjs'
import { CLIENTS, judged, table } from './table.mjs'

const page = join(root, 'docs', 'clients.md')

/** Does something with an emulator of its own, and says how long it took. */
async function withEmulator(name, work) {
  const emulator = await startEmulator()
  const env = { ...process.env, EMULATOR_URL: emulator.url, MEDIA: join(here, '..', 'media'), TESTS: join(here, '..'), SCRATCH: join(cache, 'scratch') }
  // Large libraries are imported several times.
  delete env.PYTHONDONTWRITEBYTECODE
  // No key of the machine's owner may be in reach, and no proxy between.
  for (const secret of ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_API_VERSION']) delete env[secret]
  env.NO_PROXY = env.no_proxy = '127.0.0.1'
  const start = Date.now()
  try {
    return await work(env)
  } finally {
    emulator.close()
    console.log(`  ${name}: ${((Date.now() - start) / 1000).toFixed(0)} s`)
  }
}

/** What a program printed, line by line. */
const told = (command, script) => withEmulator(basename(script), async (env) =>
  (await run(command, [script], { env })).trim().split('\n').map((line) => JSON.parse(line)))

/** Two at a time: that is how many cores the smallest machines have. */
async function pooled(jobs) {
  const [waiting, done] = [Object.entries(jobs), {}]
  const work = async () => {
    for (let next; (next = waiting.shift());) done[next[0]] = await next[1]()
  }
  await Promise.all([work(), work()])
  return done
}

const start = Date.now()
console.log('clients:')
rmSync(join(cache, 'scratch'), { recursive: true, force: true })
mkdirSync(join(cache, 'scratch'), { recursive: true })
await setup()
for (const name of readdirSync(here)) if (name.endsWith('.mjs')) copyFileSync(join(here, name), inNpm(name))

const inPython = (script, command = python) => () => told(command, join(here, script))
const inNode = (script) => () => told(node, inNpm(script))
// Those that take longest come first.
const done = await pooled({
  python: inPython('ask_google_genai.py'),
  ...Object.fromEntries(CLIENTS.toReversed().map(({ name, script, isOld }) => [name, script.endsWith('.mjs') ? inNode(script) : inPython(script, isOld ? pythonOld : python)])),
  examples: () => withEmulator('examples', (env) => examples({ ...env, GEMINI_API_KEY: 'any', GOOGLE_GEMINI_BASE_URL: env.EMULATOR_URL })),
  js: inNode('ask-google-genai.mjs'),
  nanobanana: () => told(ours('python'), join(here, 'ask_nanobanana.py')),
})

const { cells, faults } = judged(done)
const asks = compared(done.nanobanana, { python: done.python, js: done.js })
const text = table(cells, asks)
console.log(`\n${text}`)
faults.push(...asks.faults, ...done.examples)
const isWritten = process.argv.includes('--write')
if (isWritten) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text) faults.push('docs/clients.md does not say what came out; npm run clients -- --write takes it in')
for (const fault of faults) console.error(`\nFAULT ${fault}`)
console.log(`\n${faults.length} faults, ${((Date.now() - start) / 1000).toFixed(0)} s`)
process.exit(faults.length ? 1 : 0)
