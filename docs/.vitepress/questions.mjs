// Asks the built site's search what newcomers ask, and fails if the answer is not among its first three results.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import config from './config.mjs'

/** The sections that answer what strangers type. */
const questions = {
  'start#install-from-pypi-npm-or-as-a-crate': ['install from PyPI', 'pip install', 'how do I install', 'npm install'],
  'models#which-model-to-choose': ['which model to choose', 'which model', 'cheapest model', 'best model'],
  'timeouts#default-timeout-and-retries': ['default timeout and retries', 'default timeout', 'how many retries'],
  'environment#environment-variables': ['all environment variables', 'environment', 'env vars'],
  'network#vertex-ai-google-cloud-and-service-accounts': ['Vertex', 'vertex ai', 'service account', 'google cloud'],
  'network#proxy': ['proxy', 'corporate proxy'],
  'network#company-ca-a-certificate-is-not-trusted': ['company CA', 'certificate', 'custom CA bundle', 'self signed certificate'],
  'money#batch-at-half-price': ['batch at half price', 'batch api', 'half price'],
  'output#transparent-background': ['transparent background', 'transparent png', 'transparency', 'remove background'],
  'edit#size-of-an-edits-result': ["size of an edit's result", 'output size of edit', 'edit resolution'],
  'safety#set-the-adjustable-filters': ['safety settings', 'safety filters', 'block_none'],
  'money#what-is-billed-on-failure': ['what is billed on failure', 'am I charged when it fails', 'charged on error'],
  'bulk#resume-a-run-that-may-stop-at-any-time': ['resume a run', 'resume', 'checkpoint', 'continue after crash'],
  'edit#mask-change-only-a-part': ['mask', 'inpainting', 'mask edit'],
  'edit#consistent-characters': ['consistent characters', 'same character', 'character consistency'],
  'reference/errors#exception-tree': ['exception tree', 'exceptions'],
  'threads#threads': ['threads', 'thread safe'],
  'threads#fork-and-multiprocessing': ['fork', 'multiprocessing'],
  'threads#async': ['async', 'asyncio'],
  'threads#threads-fork-and-async': ['threads, fork, async'],
  'testing#offline-in-ci-and-in-unit-tests': ['offline in CI', 'CI without key', 'unit tests', 'mock'],
  'output#base64-or-data-url-out': ['base64 or data URL out', 'base64', 'data url', 'b64_json'],
  'output#synthid-c2pa-and-other-marks': ['SynthID', 'watermark', 'c2pa'],
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'dist', 'assets', 'chunks')
const file = readdirSync(folder).find((name) => name.startsWith('@localSearchIndexroot'))
const { default: json } = await import(pathToFileURL(join(folder, file)).href)
const require = createRequire(createRequire(import.meta.url).resolve('vitepress/package.json'))
const MiniSearch = require('minisearch')
const { options, searchOptions } = config.themeConfig.search.options.miniSearch
const index = MiniSearch.loadJSON(json, { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'], ...options, searchOptions })

const all = Object.entries(questions).flatMap(([section, asked]) => asked.map((question) => [question, section]))
let missing = 0
for (const [question, section] of all) {
  const found = index.search(question).map(({ id }) => id.replace(/^\//, '').replace('.html', ''))
  const place = found.indexOf(section) + 1
  if (place > 0 && place <= 3) continue
  missing++
  console.error(`search "${question}": ${section} is result ${place || 'none'}; first are ${found.slice(0, 3).join(', ')}`)
}
console.log(`search: ${all.length - missing} of ${all.length} questions answered`)
process.exitCode = missing ? 1 : 0
