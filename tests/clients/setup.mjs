// Makes what the clients need, in `target/clients`: the libraries in the versions named here.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = dirname(fileURLToPath(import.meta.url))
export const root = join(here, '..', '..')
export const cache = join(root, 'target', 'clients')
const npm = join(cache, 'npm')
const bin = process.platform === 'win32' ? 'Scripts' : 'bin'

/** Pillow looks at the pictures; LiteLLM counts tokens only beside google-genai; the notebook needs a kernel. */
export const PYTHON = {
  'google-genai': '3.6.1', 'langchain-google-genai': '4.4.3', litellm: '1.110.2', pillow: '13.0.0', nbclient: '0.11.0', ipykernel: '7.4.0',
}
/** Pydantic AI wants google-genai of the version before. */
export const PYTHON_OLD = { 'pydantic-ai-slim': '2.68.0', 'google-genai': '2.34.0', gemimg: '0.4.0', pillow: '13.0.0' }
/** `node` because the newest libraries want Node 22; sharp looks at the pictures. */
export const NODE = { node: '22.23.3', '@google/genai': '3.3.0', ai: '7.0.173', '@ai-sdk/google': '4.0.121', '@google/generative-ai': '0.24.1', sharp: '0.35.5' }

export const python = join(cache, 'py', bin, 'python')
export const pythonOld = join(cache, 'py-old', bin, 'python')
export const node = join(npm, 'node_modules', 'node', 'bin', 'node')
/** A command of the environment that `npm test` makes, with this tree's nanobanana in it. */
export const ours = (command) => join(root, '.venv', bin, command)
/** A script of this folder where it finds the libraries: imports are looked up from where a script lies. */
export const inNpm = (name) => join(npm, name)

/** What a process wrote, or an error with all that it said. */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let [out, all] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => { out += text; all += text })
    child.stderr.setEncoding('utf8').on('data', (text) => { all += text })
    child.once('error', fail)
    child.once('close', (code, signal) => {
      if (code === 0) done(out)
      else fail(new Error(`${[command, ...args].join(' ')} ended with ${code ?? signal}:\n${all.slice(-8000)}`))
    })
  })
}

/** Does it unless it was done with the same words before. */
async function once(folder, words, work) {
  const mark = join(cache, folder, '.made-of')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === words) return
  console.log(`  making ${folder}`)
  rmSync(join(cache, folder), { recursive: true, force: true })
  mkdirSync(join(cache, folder), { recursive: true })
  await work(join(cache, folder))
  writeFileSync(mark, words)
}

export async function setup() {
  mkdirSync(join(cache, 'scratch'), { recursive: true })
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile']
  const environment = (name, packages) => once(name, JSON.stringify(packages), async (folder) => {
    await run(ours('python'), ['-m', 'venv', folder])
    await run(join(folder, bin, 'python'), [...pip, ...Object.entries(packages).map((one) => one.join('=='))])
  })
  await Promise.all([
    environment('py', PYTHON),
    environment('py-old', PYTHON_OLD),
    once('npm', JSON.stringify(NODE), async (folder) => {
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: NODE }))
      await run('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: folder })
    }),
  ])
}
