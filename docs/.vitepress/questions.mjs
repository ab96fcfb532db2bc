// Asks the built site's search what newcomers ask, and fails if the answer is not among its first three results.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import config from './config.mjs'

/** What a stranger types, and the section that answers it. */
const questions = {
  'install from PyPI': 'start#install-from-pypi-npm-or-cratesio',
  'which model to choose': 'models#which-model-to-choose',
  'default timeout and retries': 'timeouts#default-timeout-and-retries',
  'environment variables': 'environment#environment-variables',
  vertex: 'network#vertex-ai',
  proxy: 'network#proxy',
  'company CA certificate': 'network#company-ca-a-certificate-is-not-trusted',
  'batch half price': 'money#batch-at-half-price',
  'transparent background': 'output#transparent-background',
  'size of an edit result': 'edit#size-of-an-edits-result',
  'safety settings': 'safety#safety-settings',
  'billed on failure': 'money#what-is-billed-on-failure',
  'resume a run': 'bulk#resume-a-run-that-may-stop-at-any-time',
  mask: 'masks#what-a-mask-is',
  'consistent characters': 'edit#consistent-characters',
  'exception tree': 'reference/errors#exception-tree',
  'threads fork async': 'threads#threads-fork-and-async',
  'offline in CI': 'testing#offline-in-ci',
  'base64 data url': 'output#base64-or-data-url-out',
  SynthID: 'output#synthid-c2pa-and-other-marks',
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'dist', 'assets', 'chunks')
const file = readdirSync(folder).find((name) => name.startsWith('@localSearchIndexroot'))
const { default: json } = await import(pathToFileURL(join(folder, file)).href)
const require = createRequire(createRequire(import.meta.url).resolve('vitepress/package.json'))
const MiniSearch = require('minisearch')
const { searchOptions } = config.themeConfig.search.options.miniSearch
const index = MiniSearch.loadJSON(json, { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'], searchOptions })

let missing = 0
for (const [question, wanted] of Object.entries(questions)) {
  const found = index.search(question).map(({ id }) => id.replace(/^\//, '').replace('.html', ''))
  // The first heading of a page may be found as the page.
  const place = found.findIndex((id) => id === wanted) + 1
  if (place > 0 && place <= 3) continue
  missing++
  console.error(`search "${question}": ${wanted} is result ${place || 'none'}; first are ${found.slice(0, 3).join(', ')}`)
}
console.log(`search: ${Object.keys(questions).length - missing} of ${Object.keys(questions).length} questions answered`)
process.exitCode = missing ? 1 : 0
