// Sets everything up and runs the tests of all three languages, or only what is named:
// node tests/run.mjs [rust] [python] [node] [check] [clients [--write]] [docs [--serve]]
// node tests/run.mjs mutants [what cargo mutants takes]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = process.platform === 'win32' ? 'Scripts' : 'bin'
const inVenv = (name) => join(root, '.venv', bin, name)

function run(command, ...args) {
  console.log(`\n> ${[command, ...args].join(' ')}`)
  const env = { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', VIRTUAL_ENV: join(root, '.venv') }
  // The tests answer for themselves: no key of the machine's owner may be in reach.
  for (const name of ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_API_VERSION']) delete env[name]
  // Nor do they depend on the day: a catalogue that is old says so.
  env.NANOBANANA_TODAY = '2026-11-24'
  // A host that does not exist is not looked for behind a proxy.
  env.NO_PROXY = [process.env.NO_PROXY ?? process.env.no_proxy, '.invalid'].filter(Boolean).join(',')
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', env })
  if (done.error) throw new Error(`cannot run ${command}: ${done.error.message}`)
  if (done.status !== 0) process.exit(done.status ?? 1)
}

function hasCargo(tool) {
  return spawnSync('cargo', [tool, '--version'], { cwd: root }).status === 0
}

function venv() {
  if (existsSync(inVenv(process.platform === 'win32' ? 'python.exe' : 'python'))) return
  const names = [process.env.PYTHON, 'python3', 'python'].filter(Boolean)
  const modern = 'import sys; sys.exit(sys.version_info < (3, 11))'
  const python = names.find((name) => spawnSync(name, ['-c', modern]).status === 0)
  if (!python) throw new Error('no Python 3.11 or newer was found; set PYTHON to one')
  run(python, '-m', 'venv', '.venv')
  run(inVenv('python'), '-m', 'pip', 'install', '--quiet', '--upgrade', 'pip')
}

function tools() {
  venv()
  run(inVenv('python'), '-m', 'pip', 'install', '--quiet', '--group', 'test')
}

// As users get it; and whoever has run `pip install .` here has built it already.
function python() {
  tools()
  run(inVenv('maturin'), 'develop', '--release', '--quiet', '--locked')
}

// cargo builds a library once for each set of features that those who are built together ask for: a whole run has one
// core for Rust's tests and Node.
function node() {
  run(process.execPath, 'bindings-node/build.mjs', isWhole ? '--with-tests' : '--debug')
}

const tasks = {
  rust() {
    // All but the bindings of Python, whose features are others.
    run('cargo', 'test', '--quiet', '--locked', '--workspace', '--exclude', 'nanobanana-python')
  },
  python() {
    python()
    // What one language leaves on disk the other goes on with.
    node()
    run(inVenv('python'), '-m', 'pytest', '--quiet')
  },
  node() {
    node()
    // Node 20 does not know patterns.
    const tests = readdirSync(join(root, 'tests', 'node')).filter((name) => name.endsWith('.test.ts'))
    run(process.execPath, '--import', 'tsx', '--test', ...tests.map((name) => join('tests', 'node', name)))
  },
  check() {
    run('cargo', 'fmt', '--all', '--check')
    run('cargo', 'clippy', '--quiet', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings')
    // A Rust program that never draws offline need not carry the emulator.
    run('cargo', 'check', '--quiet', '--locked', '-p', 'nanobanana', '--no-default-features')
    tools()
    run(inVenv('ruff'), 'format', '--check', '--quiet', 'bindings-python', 'examples', 'tests')
    run(inVenv('ruff'), 'check', '--quiet', 'bindings-python', 'examples', 'tests')
    run(inVenv('mypy'))
    run(inVenv('python'), 'tests/typed.py')
    run(process.execPath, 'bindings-node/build.mjs', '--front')
    run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tests/node')
    run(process.execPath, 'release/workflows.mjs')
    run(inVenv('zizmor'), '--offline', '--no-progress', '--quiet', '.github/workflows')
    const workflows = readdirSync(join(root, '.github', 'workflows')).map((name) => `.github/workflows/${name}`)
    run(inVenv('check-jsonschema'), '--builtin-schema', 'vendor.github-workflows', ...workflows)
  },
  clients() {
    python()
    run(process.execPath, 'tests/clients/run.mjs', ...process.argv.slice(2).filter((name) => name === '--write'))
  },
  // The site of docs/, which nothing else needs. Its links and its code are tests of Python and Node.
  docs() {
    const npm = (...args) => run('npm', '--prefix', 'docs', ...args)
    if (!existsSync(join(root, 'docs', 'node_modules', 'vitepress'))) npm('ci', '--no-audit', '--no-fund')
    npm('run', process.argv.includes('--serve') ? 'dev' : 'build')
  },
  // `.cargo/mutants.toml` names the rooms. It fails if a mutant lives.
  mutants() {
    if (!hasCargo('mutants')) {
      console.error('cargo-mutants is not installed: `cargo install cargo-mutants --locked` does that')
      process.exit(1)
    }
    // It ends at the first test that fails; cargo's own runner ends each binary first.
    const tool = hasCargo('nextest') ? ['--test-tool', 'nextest'] : []
    const asked = process.argv.slice(3)
    const config = join('target', 'mutants.toml')
    mkdirSync(join(root, 'target'), { recursive: true })
    // A file that is named would come to those of the configuration, and not in their place.
    const isNamed = asked.some((word) => /^(-f|--file(=.*)?)$/.test(word))
    const all = readFileSync(join(root, '.cargo', 'mutants.toml'), 'utf8')
    writeFileSync(join(root, config), isNamed ? all.replace(/^examine_globs = \[[^\]]*\]\n/m, '') : all)
    run('cargo', 'mutants', '--config', config, ...tool, ...asked)
  },
}

const isOfMutants = process.argv[2] === 'mutants'
const named = isOfMutants ? ['mutants'] : process.argv.slice(2).filter((name) => !name.startsWith('--'))
const isWhole = !named.length
const unknown = named.find((name) => !(name in tasks))
if (unknown) throw new Error(`there is no task ${unknown}; there are ${Object.keys(tasks).join(', ')}`)
for (const name of isWhole ? ['rust', 'python', 'node'] : named) tasks[name]()
console.log(`\n${named.join(' and ') || 'every'} ${named.includes('check') ? 'passed' : 'test passed'}`)
