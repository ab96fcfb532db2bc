// Makes what the benchmarks need, in `target/bench`: nanobanana as users get it, the peers in the versions named
// here, each Python library in an environment of its own, the floor, and the pictures.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
export const root = join(here, '..', '..')
export const cache = join(root, 'target', 'bench')
const npm = join(cache, 'npm')

/** The peers. openai's images API has the same shape of reply, so receiving is the same work. */
const PYTHON = {
  'nanobanana-sdk': ['numpy==2.4.6', 'pillow==13.0.0'],
  'google-genai': ['google-genai==3.6.1'],
  openai: ['openai==3.57.0'],
}
// The newest libraries want Node 22; all of Node's side run on this one.
const NODE = { node: '22.23.3', '@google/genai': '3.3.0', openai: '7.57.0', sharp: '0.35.5' }

export const python = (library) => join(cache, `py-${library === 'pillow' ? 'nanobanana-sdk' : library}`, 'bin', 'python')
export const node = join(npm, 'node_modules', 'node', 'bin', 'node')
export const client = join(npm, 'client.mjs')
export const floor = join(cache, 'floor', 'release', 'floor')
export const server = join(cache, 'floor', 'release', 'server')
export const media = (name) => join(cache, 'media', name)

export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26, ...options })
  if (done.error) throw new Error(`cannot run ${command}: ${done.error.message}`)
  if (done.status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${done.status ?? done.signal}`)
  return (done.stdout ?? '').trim()
}

/** Does it unless it was done with the same words before. */
function once(folder, words, work) {
  const mark = join(cache, folder, '.made-of')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === words) return
  console.log(`  making ${folder}`)
  rmSync(join(cache, folder), { recursive: true, force: true })
  mkdirSync(join(cache, folder), { recursive: true })
  work(join(cache, folder))
  writeFileSync(mark, words)
}

function venv(folder, packages) {
  const modern = 'import sys; sys.exit(sys.version_info < (3, 11))'
  const names = [process.env.PYTHON, 'python3', 'python'].filter(Boolean)
  const found = names.find((name) => spawnSync(name, ['-c', modern]).status === 0)
  if (!found) throw new Error('no Python 3.11 or newer was found; set PYTHON to one')
  run(found, ['-m', 'venv', folder])
  pip(join(folder, 'bin', 'python'), packages)
}

const pip = (interpreter, args) => run(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args])

function build() {
  console.log('  building the wheel')
  rmSync(join(cache, 'wheels'), { recursive: true, force: true })
  run(join(cache, 'tools', 'bin', 'maturin'), ['build', '--quiet', '--release', '--locked', '-o', join(cache, 'wheels')])
  const [wheel] = readdirSync(join(cache, 'wheels')).filter((name) => name.endsWith('.whl'))
  pip(python('nanobanana-sdk'), ['--force-reinstall', '--no-deps', join(cache, 'wheels', wheel)])
  console.log('  building the npm package')
  if (!existsSync(join(root, 'node_modules', 'typescript'))) run('npm', ['install', '--no-audit', '--no-fund', '--silent'])
  run(process.execPath, ['bindings-node/build.mjs'])
  const packed = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', cache]))
  const { filename } = Array.isArray(packed) ? packed[0] : Object.values(packed)[0]
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--no-save', join(cache, filename)], { cwd: npm })
}

/** Makes it all; without `builds` nanobanana stays as it was built last. */
export function setup(builds) {
  mkdirSync(cache, { recursive: true })
  once('tools', 'maturin', (folder) => venv(folder, ['maturin>=1.16,<2']))
  for (const [library, packages] of Object.entries(PYTHON)) {
    once(`py-${library}`, packages.join(' '), (folder) => venv(folder, packages))
  }
  once('npm', JSON.stringify(NODE), (folder) => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: NODE }))
    run('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: folder })
  })
  const installed = existsSync(join(npm, 'node_modules', 'nanobanana-sdk', 'package.json'))
  if (builds || !installed) build()
  // Imports are looked up from where a script lies.
  writeFileSync(client, readFileSync(join(here, 'client.mjs')))
  console.log('  building the floor')
  const target = { ...process.env, CARGO_TARGET_DIR: join(cache, 'floor') }
  run('cargo', ['build', '--quiet', '--release', '--locked'], { cwd: join(here, 'floor'), env: target })
  const pictures = readFileSync(join(here, 'media.py'), 'utf8')
  once('media', pictures, (folder) => run(python('nanobanana-sdk'), [join(here, 'media.py'), folder]))
}

/** Names and versions, for the report. */
export function versions() {
  const rust = run('rustc', ['--version']).split(' ')[1]
  const python_ = run(python('nanobanana-sdk'), ['-c', 'import sys; print(*sys.version_info[:3], sep=".")'])
  const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
  const peers = Object.values(PYTHON).flat().map((one) => one.replace('==', ' '))
  const lock = readFileSync(join(here, 'floor', 'Cargo.lock'), 'utf8')
  const locked = (name) => new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(lock)?.[1]
  return [
    `nanobanana-sdk ${ours} (cargo's release profile)`,
    `Python ${python_}: ${peers.join(', ')}`,
    `Node ${NODE.node}: ${Object.entries(NODE).slice(1).map((one) => one.join(' ')).join(', ')}`,
    `Rust ${rust}: reqwest ${locked('reqwest')}, base64 ${locked('base64')}`,
  ]
}
