// Which clients and scenarios there are, what a client cannot do, and the page that says what came out.
import { NODE, PYTHON, PYTHON_OLD } from './setup.mjs'

const pinned = (name) => NODE[name] ?? PYTHON[name] ?? PYTHON_OLD[name]
const isOfNode = ({ script }) => script.endsWith('.mjs')

export const CLIENTS = [
  { name: 'google-genai', script: 'google_genai.py' },
  { name: '@google/genai', script: 'google-genai.mjs' },
  { name: 'AI SDK', script: 'ai-sdk.mjs', packages: ['ai', '@ai-sdk/google'] },
  { name: 'LangChain', script: 'of_langchain.py', packages: ['langchain-google-genai'] },
  { name: 'LiteLLM', script: 'of_litellm.py', packages: ['litellm'] },
  { name: 'Pydantic AI', script: 'of_pydantic_ai.py', packages: ['pydantic-ai-slim'], isOld: true },
  { name: 'gemimg', script: 'of_gemimg.py', isOld: true },
  { name: '@google/generative-ai', script: 'generative-ai.mjs' },
]

/** The rows; what a right outcome is stands in each client's program. */
export const SCENARIOS = {
  generate: 'a picture, decoded, as large as it should be, with its usage and reason',
  'ratio-and-size': '16:9 in 2K: 2752×1536 pixels',
  edit: 'an inline picture becomes another one of its shape',
  stream: 'thoughts, words and one whole picture, in events',
  search: 'a picture and what was found for it',
  chat: 'three turns with gemini-3-pro-image, whose pictures go back with their signatures',
  'chat-stream': 'the same, each turn a stream',
  upload: 'a file uploaded, and drawn from',
  models: 'the list of models (by pages where the client has pages)',
  'count-tokens': 'the tokens of a prompt',
  'batch-inline': 'two requests in one job, both pictures right',
  'batch-file': 'a job of a file of lines; its results downloaded',
  'bad-key': 'error: the key is not valid',
  'unknown-model': 'error: no such model',
  'bad-ratio': 'error: this model has no such ratio',
  'blocked-prompt': 'no picture, and the reason why the prompt was refused',
  'blocked-picture': 'no picture, and the reason why it was held back',
  'rate-limit': 'error 429 with its RetryInfo',
  overloaded: 'error 503',
  'error-in-a-stream': 'words, then error 503 in the same stream',
  continuation: 'an answer in two parts is one: the rest is asked for by itself, in a stream too',
}

/** One reason for several scenarios. */
const all = (why, scenarios) => Object.fromEntries(scenarios.map((scenario) => [scenario, why]))

/** What a library does not do, and why. */
const CANNOT = {
  'AI SDK': {
    models: 'it has no list of models',
    'count-tokens': 'it does not count before a call',
    'batch-file': 'it takes requests and chooses itself how they go: inline up to 20 MB',
  },
  LangChain: {
    models: 'it has no list of models',
    'batch-inline': 'its `batch` makes single calls side by side',
    'batch-file': 'its `batch` makes single calls side by side',
  },
  LiteLLM: {
    'batch-inline': 'it makes jobs of files only',
  },
  'Pydantic AI': {
    upload: 'its image generator takes files of Google\'s own host alone',
    ...all('its image generator draws and edits in single calls', ['stream', 'search', 'chat', 'chat-stream', 'models', 'count-tokens', 'batch-inline', 'batch-file', 'error-in-a-stream', 'continuation']),
  },
  gemimg: {
    'bad-ratio': 'it knows the ratios itself, and asks for no other',
    'blocked-prompt': 'it reads the first candidate whether there is one or not',
    ...all('it draws and edits in single calls', ['stream', 'search', 'chat', 'chat-stream', 'upload', 'models', 'count-tokens', 'batch-inline', 'batch-file', 'error-in-a-stream', 'continuation']),
  },
  '@google/generative-ai': {
    'chat-stream': 'of a streamed turn it keeps words and calls of functions alone',
    'error-in-a-stream': 'it reads events for candidates and knows no error among them',
    continuation: 'it is older than answers in two parts',
    ...all('it has no such method', ['models', 'batch-inline', 'batch-file']),
  },
}

/** What a library does wrongly: right is that the emulator refuses it in the service's words. */
const LOSES = {
  LiteLLM: {
    chat: 'it sends the pictures back without their signatures, which this model refuses, here as there',
    'chat-stream': 'the same',
  },
}

/** What the emulator does not have yet. A cell that begins to pass must leave this list. */
const MISSING = {}

/** Each cell, and what is not as it should be. */
export function judged(done) {
  const [cells, faults] = [{}, []]
  for (const { name } of CLIENTS) {
    const came = new Map(done[name].map(({ scenario, fault }) => [scenario, fault]))
    for (const scenario of Object.keys(SCENARIOS)) {
      const reason = CANNOT[name]?.[scenario]
      const isMissing = MISSING[scenario]?.includes(name) ?? false
      const fault = came.get(scenario)
      const cell = `${name}, ${scenario}`
      if (reason && came.has(scenario)) faults.push(`${cell}: it is tried although it is said not to be possible`)
      if (!reason && !came.has(scenario)) faults.push(`${cell}: it is not tried, and nothing says why`)
      if (fault && !isMissing) faults.push(`${cell}:\n${fault}`)
      if (fault === null && isMissing) faults.push(`${cell}: it passes now; take it off the list of what is missing`)
      cells[`${name}/${scenario}`] = reason ? '–' : isMissing ? 'not yet' : fault !== null ? 'FAILS' : LOSES[name]?.[scenario] ? 'refused' : 'yes'
      came.delete(scenario)
    }
    for (const scenario of came.keys()) faults.push(`${name} has a scenario that no row names: ${scenario}`)
  }
  return { cells, faults }
}

const row = (...columns) => `| ${columns.join(' | ')} |`

/** docs/clients.md */
export function table(cells, asks) {
  const names = CLIENTS.map(({ name }) => name)
  const versions = (clients) => clients.map(({ name, packages = [name] }) => packages.map((one) => `\`${one}\` ${pinned(one)}`).join(' with ')).join(', ')
  const reasons = [CANNOT, LOSES].flatMap(Object.entries).flatMap(([name, told]) => {
    const whys = [...new Set(Object.values(told))]
    return whys.map((why) => `- ${name}, ${Object.keys(told).filter((scenario) => told[scenario] === why).join(', ')}: ${why}.`)
  })
  const missing = Object.keys(MISSING).map((scenario) => `- ${scenario}: the emulator does not have it yet.`)
  return [
    '# Clients',
    '',
    'Written by `npm run clients`, which compares this page with what it finds. Other libraries, unmodified and pointed',
    'at the emulator (`nanobanana emulate`), in the versions named here. Every cell is a test; how to run them stands in',
    '[tests/clients](../tests/clients/README.md).',
    '',
    `Python: ${versions(CLIENTS.filter((client) => !isOfNode(client)))}.`,
    `Node ${NODE.node}: ${versions(CLIENTS.filter(isOfNode))}.`,
    '',
    row('', ...names, 'what is right'),
    row('---', ...names.map(() => ':---:'), '---'),
    ...Object.entries(SCENARIOS).map(([scenario, right]) => row(scenario, ...names.map((name) => cells[`${name}/${scenario}`]), right)),
    '',
    ...reasons,
    ...missing,
    '',
    '## What is sent',
    '',
    ...asks.lines,
    '',
  ].join('\n')
}
