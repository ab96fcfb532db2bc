// Builds the npm package in place: the core by cargo, the front by tsc. `--debug` for a quick build, `--with-tests`
// for one that shares the core with a run of Rust's tests, `--front` for the front alone.
import { spawnSync } from 'node:child_process'
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

function run(command, args, options) {
  const done = spawnSync(command, args, { cwd: join(here, '..'), stdio: 'inherit', encoding: 'utf8', ...options })
  if (done.error) {
    console.error(`cannot run ${command}: ${done.error.message}`)
    process.exit(1)
  }
  if (done.status !== 0) process.exit(done.status ?? 1)
  return done.stdout
}

const has = (flag) => process.argv.includes(flag)

function native() {
  const tests = has('--with-tests') ? ['-p', 'nanobanana', '--lib', '--tests'] : []
  const profile = has('--debug') || has('--with-tests') ? [] : ['--release']
  // cargo says itself where it put the library: the folder depends on its settings.
  const cargo = ['build', '-p', 'nanobanana-node', ...tests, '--locked', '--message-format=json-render-diagnostics', ...profile]
  const messages = run('cargo', cargo, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })
  const artifact = messages
    .split('\n')
    .filter((line) => line.includes('"compiler-artifact"'))
    .map((line) => JSON.parse(line))
    .find((message) => message.target.name === 'nanobanana_node' && message.target.kind.includes('cdylib'))
  const library = artifact.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))

  const libc = { linux: process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl', win32: '-msvc' }
  const target = join(here, `nanobanana.${process.platform}-${process.arch}${libc[process.platform] ?? ''}.node`)
  // Never written in place: a process that has it loaded would crash.
  copyFileSync(library, `${target}.new`)
  renameSync(`${target}.new`, target)
}

if (!has('--front')) native()
rmSync(join(here, 'dist'), { recursive: true, force: true })
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
run(process.execPath, [join(dirname(typescript), 'bin', 'tsc'), '-p', here])
