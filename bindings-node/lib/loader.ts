// Loads the compiled core. Where that fails, the error says what to do on this platform, in this runtime and with this
// bundler.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { types } from 'node:util'

const PLATFORMS = [
  'linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl',
  'darwin-x64', 'darwin-arm64', 'win32-x64-msvc', 'win32-arm64-msvc',
]

// The names below are literals in a `try`: a bundler that copies `.node` files follows nothing else, and passes over those
// that are not installed. A test compares them with targets.json.

/** The core of a clone of the source, or the error of loading it. */
function built(platform: string): unknown {
  try {
    switch (platform) {
      case 'linux-x64-gnu': return require('../nanobanana.linux-x64-gnu.node')
      case 'linux-x64-musl': return require('../nanobanana.linux-x64-musl.node')
      case 'linux-arm64-gnu': return require('../nanobanana.linux-arm64-gnu.node')
      case 'linux-arm64-musl': return require('../nanobanana.linux-arm64-musl.node')
      case 'darwin-x64': return require('../nanobanana.darwin-x64.node')
      case 'darwin-arm64': return require('../nanobanana.darwin-arm64.node')
      case 'win32-x64-msvc': return require('../nanobanana.win32-x64-msvc.node')
      case 'win32-arm64-msvc': return require('../nanobanana.win32-arm64-msvc.node')
    }
  } catch (error) {
    return error
  }
  return undefined
}

/** The core of a platform's own package, or the error of loading it. */
function installed(platform: string): unknown {
  try {
    switch (platform) {
      case 'linux-x64-gnu': return require('nanobanana-sdk-linux-x64-gnu')
      case 'linux-x64-musl': return require('nanobanana-sdk-linux-x64-musl')
      case 'linux-arm64-gnu': return require('nanobanana-sdk-linux-arm64-gnu')
      case 'linux-arm64-musl': return require('nanobanana-sdk-linux-arm64-musl')
      case 'darwin-x64': return require('nanobanana-sdk-darwin-x64')
      case 'darwin-arm64': return require('nanobanana-sdk-darwin-arm64')
      case 'win32-x64-msvc': return require('nanobanana-sdk-win32-x64-msvc')
      case 'win32-arm64-msvc': return require('nanobanana-sdk-win32-arm64-msvc')
    }
  } catch (error) {
    return error
  }
  return undefined
}

/** The version of this package; the core has the same. */
const { version } = require('../../package.json') as { version: string }

/** Where this file is; a bundle of ECMAScript modules has no such name. */
const HERE = typeof __dirname === 'string' ? __dirname : ''

/** The cores loaded in this thread. */
const LOADED = Symbol.for('nanobanana-sdk.loaded')

/** The core, loaded once for each copy of this package in a thread. If it were loaded again, earlier objects would be foreign to it. */
export function load<Core extends { version(): string }>(): Core {
  const loaded: Record<string, Core> = ((globalThis as { [LOADED]?: Record<string, Core> })[LOADED] ??= {})
  return (loaded[`${version} ${HERE}`] ??= found<Core>())
}

function found<Core extends { version(): string }>(): Core {
  const platform = `${process.platform}-${process.arch}`
  const names = PLATFORMS.filter((name) => name === platform || name.startsWith(`${platform}-`))
  const failures: Error[] = []
  for (const name of names) {
    for (const core of [built(name), installed(name)]) {
      if (types.isNativeError(core)) failures.push(core)
      else if (isCore<Core>(core)) {
        const own = core.version()
        if (own === version) return core
        failures.push(new Error(`the core of ${name} has version ${own}, and this package has ${version}`))
      } else failures.push(new Error(`what was found as the core of ${name} is none: ${String(core)}`))
    }
  }
  throw notLoaded(platform, names, failures)
}

function isCore<Core extends { version(): string }>(core: unknown): core is Core {
  return typeof (core as Core | null | undefined)?.version === 'function'
}

/** The error of a core that cannot be loaded. Its chain of `cause` holds every try. */
function notLoaded(platform: string, names: string[], failures: Error[]): Error {
  const tried = failures.map(({ message }) => message.split('\n')[0]).join('; ')
  const cause = failures.reduceRight<Error | undefined>((cause, failure) => {
    const { code } = failure as NodeJS.ErrnoException
    return Object.assign(new Error(failure.message, { cause }), code === undefined ? {} : { code })
  }, undefined)
  const message = `nanobanana-sdk cannot load its compiled core on ${platform}. ${advice(platform, names, tried)}`
  return Object.assign(new Error(tried ? `${message} Tried: ${tried}` : message, { cause }), { code: 'ERR_NANOBANANA_CORE' })
}

function advice(platform: string, names: string[], tried: string): string {
  const source = 'build it from the source, which needs Rust'
  if (!names.length) {
    return `There is no build for this platform, only for ${PLATFORMS.join(', ')}; ${source}.`
  }
  if (isBundled()) {
    return 'A bundler put its JavaScript into another file, and a compiled module cannot be bundled. Keep the package outside: ' +
      "`serverExternalPackages: ['nanobanana-sdk']` in next.config, `--external:nanobanana-sdk` for esbuild, " +
      "`ssr: { external: ['nanobanana-sdk'] }` for Vite, `external: ['nanobanana-sdk']` for Rollup, " +
      "`externals: { 'nanobanana-sdk': 'commonjs nanobanana-sdk' }` for webpack."
  }
  if ('Deno' in globalThis && /permission|allow-|NotCapable|requires .* access/i.test(tried)) {
    return 'Deno needs permission for it: run with --allow-ffi --allow-read --allow-env --allow-sys, and --allow-net for calls.'
  }
  const old = /GLIBC_[\d.]+/.exec(tried)?.[0]
  if (old) return `The C library of this system is too old: ${old.replace('_', ' ')} is needed. Use a newer system, or ${source}.`
  if (tried.includes('has version')) {
    return 'Install both packages again: they belong together, and must have one version.'
  }
  const name = names.find((name) => !name.startsWith('linux') || name.endsWith(isMusl() ? '-musl' : '-gnu')) ?? names[0]
  return `It stands in a package of its own: run \`npm install nanobanana-sdk-${name}@${version}\`. It is missing after ` +
    '--omit=optional (or --no-optional), where node_modules or a lockfile came from another platform, and after an ' +
    'interrupted install; in a clone of the source run `npm run build`, which needs Rust.'
}

/** Whether this file was put into another one: its package is not where it was. */
function isBundled(): boolean {
  return !HERE || !existsSync(join(HERE, 'loader.js')) || !existsSync(join(HERE, '..', '..', 'package.json'))
}

function isMusl(): boolean {
  // Without this a report may look up the names of network addresses.
  const { report } = process as unknown as { report?: { excludeNetwork?: boolean; getReport(): unknown } }
  if (!report) return false
  const before = report.excludeNetwork
  report.excludeNetwork = true
  try {
    return !(report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime
  } catch {
    return false
  } finally {
    if (before !== undefined) report.excludeNetwork = before
  }
}
