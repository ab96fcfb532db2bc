// The seconds from nothing to the first picture, with what `dist` packed and no Rust in reach: an empty environment, the
// installation, a picture from the emulator. It fails after 10 seconds for Python and 15 for Node.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { out, wanted } from './dist.mjs'

const LIMITS = { Python: 10, Node: 15 }
const isWindows = process.platform === 'win32'
const target = wanted()

/** The path without any folder that has Rust. */
const path = [dirname(process.execPath), ...process.env.PATH.split(delimiter).filter((folder) => !/cargo|rustup/.test(folder))].join(delimiter)

function run(command, args, cwd) {
  const env = { ...process.env, PATH: path, PIP_DISABLE_PIP_VERSION_CHECK: '1' }
  const done = spawnSync(command, args, { cwd, env, encoding: 'utf8', shell: isWindows && command === 'npm' })
  if (done.error ?? done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error ?? done.stderr + done.stdout}`)
  return done.stdout
}

const newest = (folder, pattern) => {
  const found = readdirSync(join(out, folder)).filter((name) => pattern.test(name))
  if (!found.length) throw new Error(`dist/${folder} has no such package: ${pattern}`)
  return join(out, folder, found[0])
}

const tries = {
  Python(folder) {
    const wheel = newest('python', /cp311-abi3-.*\.whl$/)
    run(process.env.PYTHON ?? (isWindows ? 'python' : 'python3'), ['-m', 'venv', 'venv'], folder)
    const python = join(folder, 'venv', isWindows ? 'Scripts' : 'bin', 'python')
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-index', wheel], folder)
    writeFileSync(join(folder, 'first.py'), 'import nanobanana as nb\nprint(nb.Client.offline().generate("a boat").image.save("boat"))\n')
    return run(python, ['first.py'], folder)
  },
  Node(folder) {
    writeFileSync(join(folder, 'package.json'), '{ "name": "first", "private": true }\n')
    const packages = [newest('npm', /^nanobanana-sdk-\d.*\.tgz$/), newest('npm', new RegExp(`^nanobanana-sdk-${target.name}-.*\\.tgz$`))]
    run('npm', ['install', '--no-audit', '--no-fund', ...packages], folder)
    writeFileSync(join(folder, 'first.mjs'), "import { Client } from 'nanobanana-sdk'\nconst client = await Client.offline()\nconst { image } = await client.generate('a boat')\nconsole.log(await image.save('boat'))\n")
    return run(process.execPath, ['first.mjs'], folder)
  },
}

let slow = 0
for (const [language, attempt] of Object.entries(tries)) {
  const folder = mkdtempSync(join(tmpdir(), 'nanobanana-first-'))
  try {
    const start = performance.now()
    const picture = join(folder, attempt(folder).trim())
    const seconds = (performance.now() - start) / 1000
    if (readFileSync(picture).length < 1000) throw new Error(`${picture} is no picture`)
    console.log(`${language}: ${seconds.toFixed(1)} s from nothing to the first picture, at most ${LIMITS[language]}`)
    if (seconds > LIMITS[language]) slow++
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
process.exitCode = slow ? 1 : 0
