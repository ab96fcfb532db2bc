// Builds what a release publishes, for one platform: `npm run dist` here is what the release does on each of its machines.
//
//   node release/dist.mjs [--target NAME] [--interpreter PYTHON] [--core FILE] [--out FOLDER] [wheel] [sdist] [npm] [crate] [check]
//
// NAME is one of bindings-node/targets.json; without it this platform's. PYTHON is for wheels of another kind, that of
// free-threaded Python for example. FILE is a core for Node that is built already, in place of building one.
// Wheels are built on Linux against glibc 2.28 by zig, whose headers stand for any version of it. The result stands in
// FOLDER, dist/ if it is not given: python/ (wheels, sdist), npm/ (tarballs), crate/. `check` runs the linters of packages over it.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackages } from './check.mjs'
import { notices } from './notices.mjs'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const targets = JSON.parse(readFileSync(join(root, 'bindings-node', 'targets.json'), 'utf8'))
const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const isLinux = process.platform === 'linux'

/** The oldest glibc that a build runs with: that of RHEL 8, Debian 10 and Amazon Linux 2023. */
export const GLIBC = '2.28'

export function run(command, args, options = {}) {
  console.log(`\n> ${[command, ...args].join(' ')}`)
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', encoding: 'utf8', ...options })
  if (done.error) throw new Error(`cannot run ${command}: ${done.error.message}`)
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status ?? done.signal}\n${done.stderr ?? ''}`)
  return done.stdout
}

/** A program of the release's own Python environment. */
export function tool(name) {
  const venv = join(root, 'target', 'release-tools')
  const bin = join(venv, process.platform === 'win32' ? 'Scripts' : 'bin')
  const mark = join(venv, '.made-of')
  const group = /^release = \[\n[^]*?^\]/m.exec(readFileSync(join(root, 'pyproject.toml'), 'utf8'))[0]
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== group) {
    run(process.env.PYTHON ?? 'python3', ['-m', 'venv', venv])
    run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--upgrade', 'pip'])
    run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--group', 'release'])
    writeFileSync(mark, group)
  }
  return join(bin, name)
}

/** Smaller tables, and no code for AVX-512, of which TLS gains little here: 1.5 MB of each library. */
const SMALL = '-DOPENSSL_SMALL -DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX'

/** The environment of a build: zig and its cargo command are found on the path. */
function building() {
  const path = [dirname(tool('maturin')), process.env.PATH].join(process.platform === 'win32' ? ';' : ':')
  // A module that is loaded into a musl program shares its C library.
  const flags = wanted().libc === 'musl' ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {}
  return { ...process.env, ...flags, PATH: path, CARGO_INCREMENTAL: '0', AWS_LC_SYS_CFLAGS: SMALL }
}

const values = { target: undefined, interpreter: undefined, core: undefined, out: undefined }
const named = []
for (const args = process.argv.slice(2); args.length; ) {
  const arg = args.shift()
  if (arg.startsWith('--') && arg.slice(2) in values) values[arg.slice(2)] = args.shift()
  else named.push(arg)
}

/** Where packages are put, and looked for. */
export const out = values.out ? resolve(values.out) : join(root, 'dist')

/** The platform that is built for. */
export function wanted() {
  if (values.target) {
    const found = targets.find(({ name }) => name === values.target)
    if (!found) throw new Error(`there is no target ${values.target}; there are ${targets.map(({ name }) => name).join(', ')}`)
    return found
  }
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
  const found = targets.find(({ os, cpu, libc: own }) => os === process.platform && cpu === process.arch && (!own || own === libc))
  if (!found) throw new Error(`there is no target ${process.platform}-${process.arch} in bindings-node/targets.json`)
  return found
}

/** How cargo names the target: on Linux zig builds, for this glibc or for musl. */
const triple = ({ rust, libc }) => (libc === 'glibc' ? `${rust}.${GLIBC}` : rust)

function wheel() {
  const python = join(out, 'python')
  writeFileSync(join(root, 'bindings-python', 'python', 'nanobanana', 'THIRD-PARTY-NOTICES.txt'), notices(root))
  const { rust, libc } = wanted()
  const compatible = libc === 'musl' ? 'musllinux_1_2' : `manylinux_${GLIBC.replace('.', '_')}`
  const linux = isLinux ? ['--zig', '--compatibility', compatible] : []
  const interpreter = values.interpreter ? ['--interpreter', values.interpreter] : []
  const args = ['build', '--profile', 'dist', '--locked', '--out', python, '--target', rust, ...linux, ...interpreter]
  run(tool('maturin'), args, { env: building() })
  squeeze(packed(python, '.whl'))
}

/** The packages in a folder. */
const packed = (folder, ending) => (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.endsWith(ending)).map((name) => join(folder, name))

function squeeze(files) {
  run(tool('python'), [join(root, 'release', 'squeeze.py'), ...files])
}

function sdist() {
  run(tool('maturin'), ['sdist', '--out', join(out, 'python')])
}

function npm() {
  const target = wanted()
  const built = values.core ? resolve(values.core) : native(target)
  const folder = join(out, 'npm')
  const core = join(folder, `nanobanana-sdk-${target.name}`)
  const file = `nanobanana.${target.name}.node`
  mkdirSync(core, { recursive: true })
  if (built !== join(core, file)) cpSync(built, join(core, file))
  const { name, version, license, repository, homepage, bugs, engines } = source
  const shared = { version, license, repository, homepage, bugs, engines }
  write(join(core, 'package.json'), {
    name: `${name}-${target.name}`,
    description: `The compiled core of ${name} for ${target.name}`,
    ...shared,
    main: file,
    files: [file, 'THIRD-PARTY-NOTICES.txt'],
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc ? { libc: [target.libc] } : {}),
  })
  writeFileSync(join(core, 'README.md'), `# ${name}-${target.name}\n\nThe compiled core of \`${name}\` for ${target.name}. Install \`${name}\`, which brings it.\n`)
  cpSync(join(root, 'LICENSE'), join(core, 'LICENSE'))
  writeFileSync(join(core, 'THIRD-PARTY-NOTICES.txt'), notices(root))

  const whole = join(folder, name)
  mkdirSync(join(whole, 'bindings-node'), { recursive: true })
  // Who gives a core has built the front with it; others may be running it.
  if (!values.core) run(process.execPath, ['bindings-node/build.mjs', '--front'])
  cpSync(join(root, 'bindings-node', 'dist'), join(whole, 'bindings-node', 'dist'), { recursive: true })
  for (const file of ['README.md', 'LICENSE']) cpSync(join(root, file), join(whole, file))
  write(join(whole, 'package.json'), rootManifest())
  for (const each of [core, whole]) run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: each })
  // What is tried and not published need not be small.
  if (!values.core) squeeze(packed(folder, '.tgz'))
}

/** What npm shows of the root package: without what only a clone of the source needs, with the cores. */
export function rootManifest() {
  const { scripts: _, devDependencies: __, private: ___, files: ____, ...kept } = source
  const cores = targets.map(({ name }) => [`${source.name}-${name}`, source.version])
  return { ...kept, files: ['bindings-node/dist'], optionalDependencies: Object.fromEntries(cores) }
}

function native(target) {
  const zig = isLinux ? ['zigbuild', '--target', triple(target)] : ['build', '--target', target.rust]
  run('cargo', [...zig, '--profile', 'dist', '--locked', '-p', 'nanobanana-node'], { env: building() })
  const { target_directory: folder } = JSON.parse(
    run('cargo', ['metadata', '--format-version', '1', '--no-deps', '--locked'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const built = join(folder, target.rust, 'dist')
  return join(built, readdirSync(built).find((name) => /nanobanana_node\.(so|dylib|dll)$/.test(name)))
}

const write = (path, json) => writeFileSync(path, `${JSON.stringify(json, null, 2)}\n`)

/** In the order in which they use one another. */
const crates = ['nanobanana-base', 'nanobanana-emulator', 'nanobanana', 'nanobanana-cli']

function crate() {
  const folder = join(out, 'crate')
  run('cargo', ['package', '--locked', ...crates.flatMap((name) => ['-p', name]), '--target-dir', join(root, 'target', 'package'), '--allow-dirty'])
  mkdirSync(folder, { recursive: true })
  const built = join(root, 'target', 'package', 'package')
  for (const name of readdirSync(built).filter((name) => name.endsWith('.crate'))) cpSync(join(built, name), join(folder, name))
}

const tasks = { wheel, sdist, npm, crate, check: () => checkPackages() }

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const unknown = named.find((name) => !(name in tasks))
  if (unknown) throw new Error(`there is no task ${unknown}; there are ${Object.keys(tasks).join(', ')}`)
  if (!named.length) rmSync(out, { recursive: true, force: true })
  for (const name of named.length ? named : Object.keys(tasks)) tasks[name]()
}
