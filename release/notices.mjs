// The licences of everything that is compiled into the core, as their authors' texts. Licences ask for it.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const isText = (name) => /^(licen[cs]e|copying|notice|unlicense|ofl)/i.test(name) && !/\.(rs|toml|json)$/i.test(name)
/** A line that names who holds the rights; not a sentence that speaks of such lines. */
const isCopyright = (line) => /^[\s#*/-]*(copyright:?\s+(\(c\)|©|\d{4}|the\b|[A-Z])|\(c\)\s+\d{4}|©)/i.test(line) && !/copyright (notice|holder|owner|licen[cs]e|and|statement|law)|[[{<](yyyy|year)/i.test(line)

/** The notices as one text: each licence's words once, under the names of the crates that bring them. */
export function notices(root) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', host(root)]
  const done = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0) throw new Error(`cargo metadata failed: ${done.stderr}`)
  const { packages, resolve } = JSON.parse(done.stdout)
  const used = linked(resolve, packages)
  const found = []
  const bare = []
  for (const { name, version, license, manifest_path: manifest, source } of packages) {
    if (!source || !used.has(`${name} ${version}`)) continue
    const folder = dirname(manifest)
    const files = readdirSync(folder).filter(isText)
    for (const file of files) {
      try {
        found.push({ name: `${name} ${version}`, text: readFileSync(join(folder, file), 'utf8') })
      } catch {
        // A folder of licences: its crate is named by its SPDX expression below.
      }
    }
    if (!files.length) bare.push(`${name} ${version}: ${license}`)
  }
  const fonts = join(root, 'core', 'emulator', 'fonts')
  for (const file of existsSync(fonts) ? readdirSync(fonts).filter(isText) : []) {
    found.push({ name: 'the font of the emulator', text: readFileSync(join(fonts, file), 'utf8') })
  }
  return page(found, bare.sort())
}

/** Texts that differ in white space and copyright lines alone stand once, below all names and all copyright lines. */
export function page(found, bare) {
  const licences = new Map()
  for (const { name, text } of found) {
    const lines = text.trim().split(/\r?\n/)
    const words = lines.filter((line) => !isCopyright(line)).join(' ').replace(/\s+/g, ' ').trim()
    const holders = lines.filter(isCopyright).map((line) => line.trim().replace(/\s+/g, ' ')).join('\n')
    const body = lines.filter((line) => !isCopyright(line)).join('\n').trim()
    const licence = licences.get(words) ?? { body, names: new Map() }
    licence.names.set(holders, (licence.names.get(holders) ?? new Set()).add(name))
    licences.set(words, licence)
  }
  const rule = '-'.repeat(80)
  const parts = [...licences.values()].map(({ body, names }) => {
    const heads = [...names].map(([holders, of]) => [[...of].join(', '), ...holders.split('\n').filter(Boolean).map((line) => `  ${line}`)].join('\n'))
    return `${rule}\n${heads.join('\n')}\n${rule}\n\n${body}\n`
  })
  const rest = bare.length ? `${rule}\nWithout a text of their own, by their SPDX expression:\n${bare.join('\n')}\n` : ''
  return `What is compiled into nanobanana, and the licences it came with.\n\n${parts.join('\n')}\n${rest}`
}

function host(root) {
  return /^host: (.*)$/m.exec(spawnSync('rustc', ['-vV'], { cwd: root, encoding: 'utf8' }).stdout)[1]
}

/** The names of what the bindings link; not what only tests or builds need. */
function linked(resolve, packages) {
  const named = new Map(packages.map((each) => [each.id, each]))
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const open = packages.filter(({ name }) => /^nanobanana-(python|node)$/.test(name)).map(({ id }) => id)
  const seen = new Set(open)
  while (open.length) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(open.pop()).deps) {
      if (seen.has(pkg) || !kinds.some(({ kind }) => kind === null)) continue
      seen.add(pkg)
      open.push(pkg)
    }
  }
  return new Set([...seen].map((id) => `${named.get(id).name} ${named.get(id).version}`))
}
