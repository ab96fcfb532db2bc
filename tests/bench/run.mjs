// nanobanana beside its peers and a floor, on this machine: npm run bench [-- NAME…] [--quick] [--resume] [--no-build]
//
// Without names every case is measured anew and docs/benchmarks.md is written; with names only those, the others
// stay as they are; `--resume` goes on with a run that was ended. `--quick` measures each case once, to see that
// everything works, and writes no document. `--no-build` takes nanobanana as it was built last.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cases, sides } from './cases.mjs'
import { document, table } from './report.mjs'

const USAGE = 'usage: npm run bench [-- NAME…] [--quick] [--resume] [--no-build] [--list]'
const FLAGS = ['--quick', '--resume', '--no-build', '--list']

/** Ends a process that hangs. */
const PATIENCE = 120_000
/** No round more is begun of a case that has taken so long, if it has had three. */
const LONG = 60_000
/** A side that is slower than this in one process is measured three times only. */
const SLOW = 3

const words = process.argv.slice(2)
const flags = new Set(words.filter((word) => word.startsWith('-')))
const names = words.filter((word) => !word.startsWith('-'))
const known = cases.map(({ name }) => name)
const wrong = [...flags].find((flag) => !FLAGS.includes(flag)) ?? names.find((name) => !known.includes(name))
if (wrong) {
  console.error(`${wrong} is not known. ${USAGE}\ncases: ${known.join(' ')}`)
  process.exit(2)
}
if (flags.has('--list')) {
  for (const { name, title } of cases) console.log(`${name.padEnd(10)} ${title}`)
  process.exit(0)
}
if (process.platform !== 'linux') {
  console.error('the benchmarks read /proc, so they run on Linux alone')
  process.exit(2)
}

const { cache, client, floor, media, node, python, root, run, server, setup, versions } = await import('./setup.mjs')

const began = Date.now()
console.log('setting up')
setup(!flags.has('--no-build'))

const quick = flags.has('--quick')
const file = join(cache, quick ? 'quick.json' : 'results.json')
const keeps = (names.length || flags.has('--resume')) && existsSync(file)
const results = keeps ? JSON.parse(readFileSync(file, 'utf8')) : {}
const commit = run('git', ['rev-parse', '--short=8', 'HEAD'])

/** The environment of every process: no proxy stands between it and the server, and no key is in reach. */
const env = { ...process.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' }
for (const name of ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'GOOGLE_GEMINI_BASE_URL']) delete env[name]

/** Runs a process and gives the JSON that it prints. */
function measured(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE, killSignal: 'SIGKILL' })
    let [out, error] = ['', '']
    child.stdout.on('data', (piece) => (out += piece))
    child.stderr.on('data', (piece) => (error += piece))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      try {
        if (code !== 0) throw new Error()
        resolve(JSON.parse(out.trim().split('\n').at(-1)))
      } catch {
        // The message's own line, not those of the stack that name files.
        const lines = error.trim().split('\n')
        const last = lines.filter((line) => /^([\w.]*Error|Error: .*|error)\b.*:/.test(line)).at(-1) ?? lines.at(-1)
        reject(new Error(signal ? `no end after ${PATIENCE / 1000} s` : (last || `exit code ${code}`).trim().slice(0, 160)))
      }
    })
  })
}

const counted = (one) => (quick && one.work === 'small' ? 20 : one.count)
const warmed = (one) => (quick ? 1 : one.warm)

/** What one side does for one case. */
function command(one, side, variant, url) {
  const { of, python: how } = sides[side]
  const work = variant ? 'codec' : (one.work ?? one.name)
  const files = Array.from({ length: one.files ?? 0 }, (_, at) => media(`input-${at}.png`))
  const count = counted(one)
  if (sides[side].floor) return [floor, [work, url, ...(count ? [String(count)] : []), ...files]]
  const asked = variant
    ? { ...variant, file: media(variant.file), small: media(`small-${variant.file}`) }
    : { url, count, files, warm: warmed(one) }
  const words = JSON.stringify(asked)
  if (how) return [python(of), [join(root, 'tests', 'bench', 'client.py'), of, how, work, words]]
  return [node, ['--expose-gc', client, of, work, words]]
}

/** The server in a process of its own, its address, and the CPU that it has used, in seconds. */
async function serve({ emulator, size = 2000 }) {
  const [program, args] = emulator ? [python('nanobanana-sdk'), ['-m', 'nanobanana', 'emulate']] : [server, [String(size)]]
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => reject(new Error('the server ended')))
    child.stdout.on('data', (piece) => resolve(String(piece).split('\n')[0].trim()))
  })
  // User and system time are the 14th and 15th field; the second may hold spaces, and ends with the last parenthesis.
  const ticks = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  const cpu = () => (Number(ticks()[11]) + Number(ticks()[12])) / 100
  return { url: emulator ? url : `${url}/${size}`, cpu, end: () => child.kill() }
}

async function measure(one) {
  const start = Date.now()
  const stand = await serve(one)
  const rows = (one.variants ?? [null]).flatMap((variant) => one.sides.map((side) => ({ side, variant: variant?.name, runs: [], given: variant })))
  const rounds = quick ? 1 : one.rounds
  try {
    for (let round = quick ? 0 : -(one.unmeasured ?? 0); round < rounds; round++) {
      if (round >= 3 && Date.now() - start > LONG) break
      // Each round begins with another side, so that none always follows the same one.
      const turn = rows.map((_, at) => rows[(at + Math.max(round, 0)) % rows.length])
      for (const row of turn) {
        if (row.error || row.skip || (row.runs.length >= 3 && row.runs[0].wall > SLOW)) continue
        try {
          const used = stand.cpu()
          const numbers = await measured(...command(one, row.side, row.given, stand.url))
          if (one.emulator) numbers.emulator = stand.cpu() - used
          if (numbers.skip) row.skip = numbers.skip
          else if (round >= 0) row.runs.push(finished(one, numbers))
        } catch (error) {
          row.error = error.message
          console.log(`  ${sides[row.side].label}${row.variant ? ` (${row.variant})` : ''} failed: ${error.message}`)
        }
      }
    }
  } finally {
    stand.end()
  }
  return { at: new Date().toISOString().slice(0, 10), commit, seconds: Math.round((Date.now() - start) / 1000), rows: rows.map(({ given, ...row }) => row) }
}

/** A run's figures, those of one call where there are many. */
function finished(one, numbers) {
  const wanted = one.work === 'small' ? one.size && counted(one) * one.size : (one.weight ?? one.size)
  if (wanted && numbers.size !== wanted && !one.files) throw new Error(`${numbers.size} bytes of pictures came, not ${wanted}`)
  if ('stall' in numbers) numbers.over = numbers.stall - numbers.control
  if (one.work === 'small') {
    const calls = counted(one)
    numbers.wall /= calls
    numbers.cpu /= calls
    if (one.emulator) {
      numbers.emulator /= calls + warmed(one)
      numbers.share = numbers.emulator / (numbers.emulator + numbers.cpu)
    }
  }
  return numbers
}

/** Writes the document. What release/imports.py has put into it stays. */
function write() {
  const page = join(root, 'docs', 'benchmarks.md')
  const [imports] = /<!-- imports -->[^]*<!-- \/imports -->\n/.exec(readFileSync(page, 'utf8')) ?? []
  writeFileSync(page, document(cases, results, versions()) + (imports ? `\n${imports}` : ''))
}

const wanted = cases.filter(({ name }) => (names.length ? names.includes(name) : !(flags.has('--resume') && results[name])))
for (const one of wanted) {
  console.log(`\n${one.name}: ${one.title}`)
  try {
    results[one.name] = await measure(one)
    console.log(table(one, results[one.name]))
  } catch (error) {
    results[one.name] = { at: new Date().toISOString().slice(0, 10), commit, rows: [], error: error.message }
    console.log(`  failed: ${error.message}`)
  }
  // Whole or not at all: a run that is ended can be gone on with.
  writeFileSync(`${file}.new`, JSON.stringify(results))
  renameSync(`${file}.new`, file)
  if (!quick) write()
}
const failed = wanted.filter(({ name }) => results[name].error || results[name].rows.some((row) => row.error))
console.log(`\n${wanted.length} cases in ${((Date.now() - began) / 60_000).toFixed(1)} minutes${quick ? '' : '; see docs/benchmarks.md'}`)
if (failed.length) console.log(`with failures: ${failed.map(({ name }) => name).join(' ')}`)
process.exit(failed.length ? 1 : 0)
