// Asks the built site's search what newcomers ask, and fails if the answer is not among its first three results.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import config from './config.mjs'

/** The sections that answer what strangers type. */
const questions = {
  'start#install-a-wheel-or-tarball-that-you-were-given': ['install wheel', 'whl', 'tgz', 'install from file'],
  'start#if-it-cannot-be-imported': ['ModuleNotFoundError', 'ERR_NANOBANANA_CORE', 'module not found'],
  'edit#outpainting-variations-colorizing-restoring-style-transfer': ['outpainting', 'variations', 'colorize', 'style transfer', 'restore old photo'],
  'edit#several-pictures-from-one-prompt-multiple-images': ['multiple images', 'several pictures'],
  'inputs#upload-a-file-once-the-files-api': ['Files API', 'upload file', 'upload'],
  'inputs#pictures-of-the-web-an-image-url': ['image url', 'image from url'],
  'output#in-other-libraries': ['crop', 'rotate', 'numpy', 'pillow'],
  'privacy#what-the-service-keeps-data-retention': ['data retention', 'training data'],
  'support#platforms': ['windows', 'alpine', 'musl', 'platforms', 'Apple silicon', 'Windows arm64'],
  'promises#platforms': ['arm64'],
  'safety#people-children-violence-nsfw-what-is-allowed': ['nsfw', 'violence'],
  'network#keys-from-a-vault-or-secret-manager': ['secret manager', 'vault', 'rotate key'],
  'chat-and-streams#a-chat': ['conversation', 'chat'],
  'chat-and-streams#chat-and-streams': ['multi turn'],
  'bulk#many-pictures-safely': ['parallel', 'in parallel'],
  'money#budget-never-spend-more-than': ['budget', 'spending limit'],
  'start#typescript': ['TypeScript', 'typescript types'],
  'start#from-offline-to-online': ['offline or emulator', 'offline client'],
  'errors#catch-an-error-try-except-catch': ['catch error', 'try catch', 'catch exception', 'error handling'],
  'errors#what-an-error-knows': ['retryAfter', 'error.stage'],
  'timeouts#backoff-the-waits-between-tries': ['backoff', 'exponential backoff', 'jitter'],
  'money#price-per-image': ['price per image', 'pricing', 'cost per image', 'how much does an image cost'],
  'money#free-tier': ['free tier', 'is it free'],
  'output#upscale-a-picture': ['upscale', 'upscaling', 'upscale image'],
  'output#save-a-picture-and-convert-it': ['save image', 'convert image', 'save picture', 'save as png'],
  'privacy#commercial-use-who-owns-the-pictures': ['commercial use', 'commercial', 'who owns the images', 'copyright'],
  'command#the-command-line-cli': ['cli', 'command line'],
  'testing#github-actions-and-other-ci': ['GitHub Actions', 'github workflow', 'gitlab'],
  'testing#test-what-goes-wrong-simulate-errors': ['simulate error', 'test errors'],
  'edit#edit-pictures-image-to-image': ['edit image', 'image to image', 'img2img', 'edit a photo', 'edit picture'],
  'models#aspect-ratio-and-image-size': ['image size', 'aspect ratio', 'picture size', 'resolution'],
  'reference/scripts#finish-reasons': ['finish reason', 'RECITATION', 'finishReason', 'PROHIBITED_CONTENT'],
  'faults#no-picture': ['NO_IMAGE', 'no image'],
  'reference/options#image_size': ['image_size'],
  'reference/options#aspect_ratio': ['aspect_ratio', 'aspectRatio'],
  'reference/scripts#block-reasons': ['block reason', 'blockReason'],
  'glossary#glossary-words-of-these-pages': ['glossary', 'flex meaning'],
  'masks#what-is-reported': ['what is leak', 'change map'],
  'safety#when-something-is-blocked': ['blocked', 'image blocked', 'blocked prompt', 'IMAGE_SAFETY'],
  'start#install-from-pypi-npm-or-as-a-crate': ['install from PyPI', 'pip install', 'how do I install', 'npm install'],
  'models#which-model-to-choose': ['which model to choose', 'which model', 'cheapest model', 'best model'],
  'timeouts#default-timeout-and-retries': ['default timeout and retries', 'default timeout', 'how many retries'],
  'environment#environment-variables': ['all environment variables', 'environment', 'env vars'],
  'network#vertex-ai-google-cloud-and-service-accounts': ['Vertex', 'vertex ai', 'service account', 'google cloud'],
  'network#proxy': ['proxy', 'corporate proxy'],
  'network#company-ca-a-certificate-is-not-trusted': ['company CA', 'certificate', 'custom CA bundle', 'self signed certificate'],
  'money#batch-at-half-price': ['batch at half price', 'batch api', 'half price', 'bulk discount', 'flex tier'],
  'output#transparent-background': ['transparent background', 'transparent png', 'transparent image', 'transparency', 'remove background'],
  'edit#size-of-an-edits-result': ["size of an edit's result", 'output size of edit', 'edit resolution'],
  'safety#set-the-adjustable-filters': ['safety settings', 'safety filters'],
  'safety#categories-and-thresholds-harmcategory-harmblockthreshold-block_none': ['block_none', 'HarmBlockThreshold', 'HarmCategory', 'BLOCK_ONLY_HIGH'],
  'money#what-is-billed-on-failure-are-you-charged': ['what is billed on failure', 'am I charged when it fails', 'charged on error'],
  'bulk#resume-a-run-that-may-stop-at-any-time': ['resume a run', 'resume', 'checkpoint', 'continue after crash'],
  'edit#mask-change-only-a-part': ['mask', 'inpainting', 'mask edit'],
  'edit#consistent-characters-the-same-person-in-many-pictures': ['consistent characters', 'same person', 'same character', 'character consistency'],
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
