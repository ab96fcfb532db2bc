// Holds what `dist` built to what a release promises: sizes, the oldest glibc, no dependency of others, licences, and
// the linters of both registries.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GLIBC, out, root, run, tool } from './dist.mjs'

/** Bytes at most: of a packed wheel or core, and of the library inside. */
export const LIMITS = { packed: 6.5e6, library: 15e6 }

const MODULES = { publint: 'publint@0.3.25', attw: '@arethetypeswrong/cli@0.18.5' }

const failures = []
function expect(is, what) {
  console.log(`${is ? 'ok  ' : 'FAIL'} ${what}`)
  if (!is) failures.push(what)
}

const size = (path) => statSync(path).size
const mega = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`

/** Runs a linter; its answer is shown if it fails. */
function clean(name, command, args, good = () => true) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error ?? ''}`
  const is = done.status === 0 && good(said)
  expect(is, name)
  if (!is) console.log(said.slice(-4000))
  return said
}

const listed = (folder, pattern) => {
  try {
    return readdirSync(join(out, folder)).filter((name) => pattern.test(name)).map((name) => join(out, folder, name))
  } catch {
    return []
  }
}

/** The newest version of glibc that a library asks for. */
function glibcOf(library) {
  const bytes = readFileSync(library, 'latin1')
  const found = [...bytes.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => Number(major) * 1000 + Number(minor))
  return Math.max(...found)
}

function holdLibrary(name, library) {
  expect(size(library) <= LIMITS.library, `${name}: the library has ${mega(size(library))} of ${mega(LIMITS.library)}`)
  if (process.platform !== 'linux') return
  const newest = glibcOf(library)
  const [major, minor] = GLIBC.split('.').map(Number)
  expect(newest <= major * 1000 + minor, `${name}: needs glibc ${Math.floor(newest / 1000)}.${newest % 1000}, at most ${GLIBC}`)
}

function unpacked(archive, use) {
  const folder = mkdtempSync(join(tmpdir(), 'nanobanana-release-'))
  try {
    if (archive.endsWith('.whl')) run(tool('python'), ['-m', 'zipfile', '-e', archive, folder], { stdio: 'ignore' })
    else run('tar', ['-xzf', archive, '-C', folder], { stdio: 'ignore' })
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function* files(folder) {
  for (const each of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (each.isFile()) yield join(each.parentPath ?? each.path, each.name)
  }
}

function wheels() {
  const built = listed('python', /\.whl$/)
  const sdists = listed('python', /\.tar\.gz$/)
  for (const wheel of built) {
    const name = wheel.split(/[\\/]/).at(-1)
    expect(size(wheel) <= LIMITS.packed, `${name}: ${mega(size(wheel))} of ${mega(LIMITS.packed)}`)
    unpacked(wheel, (folder) => {
      const inside = [...files(folder)]
      for (const library of inside.filter((path) => /\.(so|pyd)$/.test(path))) holdLibrary(name, library)
      const metadata = readFileSync(inside.find((path) => path.endsWith('METADATA')), 'utf8')
      expect(!/^Requires-Dist: (?!.*extra ==)/m.test(metadata), `${name}: needs no other package`)
      for (const licence of ['LICENSE', 'OFL.txt', 'THIRD-PARTY-NOTICES.txt']) {
        expect(inside.some((path) => path.endsWith(licence)), `${name}: has ${licence}`)
      }
      expect(/not affiliated with Google/i.test(metadata), `${name}: says that it is not affiliated with Google`)
    })
    if (process.platform === 'linux') {
      clean(`${name}: auditwheel`, tool('auditwheel'), ['show', wheel], (said) => said.includes(`manylinux_${GLIBC.replace('.', '_')}`) || /musllinux/.test(said))
    }
    clean(`${name}: abi3audit`, tool('abi3audit'), ['--strict', wheel])
    clean(`${name}: check-wheel-contents`, tool('check-wheel-contents'), [wheel])
  }
  if (built.length + sdists.length) clean('twine check --strict', tool('twine'), ['check', '--strict', ...built, ...sdists])
  // The project has no e-mail address, which would be the tenth point; pyroma takes nothing in its place.
  if (built.length) clean('pyroma: 10 of 10, but for an e-mail address of the author', tool('pyroma'), ['--skip-tests=AuthorEmail', '--min=10', root])
}

function npm() {
  const packed = listed('npm', /\.tgz$/)
  for (const tarball of packed) {
    const name = tarball.split(/[\\/]/).at(-1)
    expect(size(tarball) <= LIMITS.packed, `${name}: ${mega(size(tarball))} of ${mega(LIMITS.packed)}`)
    unpacked(tarball, (folder) => {
      const inside = [...files(folder)]
      for (const library of inside.filter((path) => path.endsWith('.node'))) {
        holdLibrary(name, library)
        expect(inside.some((path) => path.endsWith('THIRD-PARTY-NOTICES.txt')), `${name}: has the notices of others`)
      }
      expect(inside.some((path) => path.endsWith('LICENSE')), `${name}: has its licence`)
      const manifest = JSON.parse(readFileSync(join(folder, 'package', 'package.json'), 'utf8'))
      const others = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter((each) => !/^(nanobanana-sdk-|@types\/)/.test(each))
      expect(!others.length, `${name}: needs nothing of others at run time`)
      expect(!manifest.scripts, `${name}: runs no script when it is installed`)
    })
  }
  for (const whole of listed('npm', /^nanobanana-sdk-\d.*\.tgz$/)) {
    const npx = (name, ...args) => ['exec', '--yes', `--package=${MODULES[name]}`, '--', name, ...args]
    clean('publint --strict', 'npm', npx('publint', '--strict', whole))
    clean('attw (node10 too)', 'npm', npx('attw', whole))
  }
}

/** Throws if anything that stands in dist/ breaks a promise. */
export function checkPackages() {
  wheels()
  npm()
  if (failures.length) throw new Error(`${failures.length} of the packages' promises are broken:\n${failures.join('\n')}`)
}
