// The error of a core that cannot be loaded says what to do, for each cause; and every list of platforms is the same.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { root } from './helpers'

const { build } = createRequire(require.resolve('tsx'))('esbuild') as {
  build(options: object): Promise<{ errors: unknown[] }>
}

type Target = { name: string; os: string; cpu: string; libc?: string; rust: string }
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

let folder = ''
let version = ''

/** A project with the package as it is published, and its core only where `core` says. */
async function project(name: string, core?: { name: string; code: string } | 'real'): Promise<string> {
  const place = join(folder, name)
  const own = join(place, 'node_modules', 'nanobanana-sdk')
  await mkdir(own, { recursive: true })
  await cp(join(root, 'package.json'), join(own, 'package.json'))
  await cp(join(root, 'bindings-node', 'dist'), join(own, 'bindings-node', 'dist'), { recursive: true })
  if (core && core !== 'real') {
    await mkdir(join(place, 'node_modules', core.name), { recursive: true })
    await writeFile(join(place, 'node_modules', core.name, 'index.js'), core.code)
  }
  if (core === 'real') {
    const file = (await readDirectory()).find((file) => file.endsWith('.node')) ?? assert.fail('nothing is built')
    const platform = file.slice('nanobanana.'.length, -'.node'.length)
    const to = join(place, 'node_modules', `nanobanana-sdk-${platform}`)
    await mkdir(to, { recursive: true })
    await cp(join(root, 'bindings-node', file), join(to, file))
    await writeFile(join(to, 'package.json'), JSON.stringify({ name: `nanobanana-sdk-${platform}`, version, main: file }))
  }
  return place
}

const readDirectory = async (): Promise<string[]> => (await import('node:fs/promises')).readdir(join(root, 'bindings-node'))

type Failure = { message: string; code: string; causes: string[] }

/** How loading fails in a project, after `first` has run. */
function failure(place: string, first = '', load = "require('nanobanana-sdk')"): Failure {
  const code = `${first}
    try { ${load}; console.log('null') } catch (error) {
      const causes = []
      for (let at = error.cause; at; at = at.cause) causes.push(at.message)
      console.log(JSON.stringify({ message: error.message, code: error.code, causes }))
    }`
  const done = spawnSync(process.execPath, ['-e', code], { cwd: place, encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  const told = JSON.parse(done.stdout) as Failure | null
  return told ?? assert.fail('it was loaded')
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nanobanana-loader-'))
  version = (JSON.parse(await read('package.json')) as { version: string }).version
})

after(() => rm(folder, { recursive: true, force: true }))

test('loader, release and targets name the same platforms', async () => {
  const targets = JSON.parse(await read('bindings-node/targets.json')) as Target[]
  const names = targets.map(({ name }) => name)
  const loader = await read('bindings-node/lib/loader.ts')
  const listed = /const PLATFORMS = \[([^\]]*)\]/.exec(loader)?.[1] ?? ''
  assert.deepEqual([...listed.matchAll(/'([^']+)'/g)].map(([, name]) => name), names)
  for (const [pattern, what] of [
    [/case '([^']+)': return require\('\.\.\/nanobanana\.\1\.node'\)/g, 'built'],
    [/case '([^']+)': return require\('nanobanana-sdk-\1'\)/g, 'installed'],
  ] as const) assert.deepEqual([...loader.matchAll(pattern)].map(([, name]) => name), names, what)
  const release = await read('.github/workflows/release.yml')
  assert.deepEqual([...release.matchAll(/\{ target: ([^,]+),/g)].map(([, name]) => name), names)
  assert.deepEqual(/for target in (.*); do/.exec(release)?.[1]?.split(' '), names)
  for (const { name, os, cpu, libc } of targets) {
    const abi = { linux: libc === 'musl' ? '-musl' : '-gnu', win32: '-msvc' }[os] ?? ''
    assert.equal(name, `${os}-${cpu}${abi}`)
  }
})

test('a core that stands in its own package is loaded', async () => {
  const place = await project('installed', 'real')
  const code = "console.log(typeof require('nanobanana-sdk').Client)"
  const done = spawnSync(process.execPath, ['-e', code], { cwd: place, encoding: 'utf8' })
  assert.equal(done.stdout.trim(), 'function', done.stderr)
})

test('a core that is missing is named with its version, and every try is in the chain of causes', async () => {
  const told = failure(await project('missing'), 'Object.defineProperty(process, "platform", { value: "darwin" }); Object.defineProperty(process, "arch", { value: "arm64" })')
  assert.equal(told.code, 'ERR_NANOBANANA_CORE')
  assert.match(told.message, new RegExp(`on darwin-arm64\\. .*npm install nanobanana-sdk-darwin-arm64@${version.replaceAll('.', '\\.')}\``))
  assert.match(told.message, /--omit=optional/)
  assert.equal(told.causes.length, 2)
  assert.match(told.causes[0] ?? '', /nanobanana\.darwin-arm64\.node/)
  assert.match(told.causes[1] ?? '', /nanobanana-sdk-darwin-arm64/)
})

test('a platform without a build hears which there are', async () => {
  const told = failure(await project('unknown'), 'Object.defineProperty(process, "platform", { value: "freebsd" })')
  assert.match(told.message, /There is no build for this platform, only for linux-x64-gnu, .*win32-arm64-msvc; build it from the source/)
  assert.equal(told.code, 'ERR_NANOBANANA_CORE')
})

const here = 'Object.defineProperty(process, "platform", { value: "darwin" }); Object.defineProperty(process, "arch", { value: "x64" })'

test('a core of another version is not used', async () => {
  const place = await project('older', { name: 'nanobanana-sdk-darwin-x64', code: "exports.version = () => '0.0.9'" })
  const told = failure(place, here)
  assert.match(told.message, new RegExp(`core of darwin-x64 has version 0\\.0\\.9, and this package has ${version.replaceAll('.', '\\.')}`))
  assert.match(told.message, /Install both packages again/)
})

test('a C library that is too old is named', async () => {
  const code = "throw new Error('/lib/libc.so.6: version `GLIBC_2.28\\' not found (required by it.node)')"
  const told = failure(await project('glibc', { name: 'nanobanana-sdk-darwin-x64', code }), here)
  assert.match(told.message, /The C library of this system is too old: GLIBC 2\.28 is needed/)
})

test('Deno without permission hears which it needs', async () => {
  const code = "throw new Error('Requires ffi access to \"x.node\", run again with the --allow-ffi flag')"
  const place = await project('deno', { name: 'nanobanana-sdk-darwin-x64', code })
  assert.match(failure(place, `globalThis.Deno = {}; ${here}`).message, /run with --allow-ffi --allow-read/)
})

test('inside of a bundle the line is named that keeps the package outside', async () => {
  const place = await project('bundle')
  await writeFile(join(place, 'app.js'), "require('nanobanana-sdk')")
  const outfile = join(place, 'out', 'app.js')
  await build({ entryPoints: [join(place, 'app.js')], outfile, bundle: true, platform: 'node', logLevel: 'silent' })
  const told = failure(dirname(outfile), '', `require(${JSON.stringify(outfile)})`)
  for (const line of ["serverExternalPackages: ['nanobanana-sdk']", '--external:nanobanana-sdk', 'external']) {
    assert.ok(told.message.includes(line), told.message)
  }
})

test('a bundle of ECMAScript modules names that line, too', async () => {
  const place = await project('bundle-esm')
  await writeFile(join(place, 'app.mjs'), "import { Client } from 'nanobanana-sdk'\nconsole.log(typeof Client)")
  const outfile = join(place, 'out', 'app.mjs')
  // With what bundles for Node have at their head.
  const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  await build({
    entryPoints: [join(place, 'app.mjs')], outfile, bundle: true, platform: 'node', format: 'esm', banner: { js },
    logLevel: 'silent',
  })
  const done = spawnSync(process.execPath, [outfile], { cwd: dirname(outfile), encoding: 'utf8' })
  assert.match(done.stderr, /A bundler put its JavaScript into another file.*--external:nanobanana-sdk/)
})

test('a bundler that copies .node files makes a bundle that works', async () => {
  const place = await project('copied', 'real')
  await writeFile(join(place, 'app.js'), "console.log(typeof require('nanobanana-sdk').Client)")
  const outfile = join(place, 'out', 'app.js')
  await build({
    entryPoints: [join(place, 'app.js')], outfile, bundle: true, platform: 'node', logLevel: 'silent', loader: { '.node': 'copy' },
  })
  const done = spawnSync(process.execPath, [outfile], { cwd: folder, encoding: 'utf8' })
  assert.equal(done.stdout.trim(), 'function', done.stderr)
})
