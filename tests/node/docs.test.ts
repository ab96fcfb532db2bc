// The pages of docs/ and the READMEs: links lead somewhere, and TypeScript compiles and runs as it is written.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Client, Emulator, InvalidOptionError, NanoBananaError } from 'nanobanana-sdk'
import { root } from './helpers'

const docs = join(root, 'docs')
const run = promisify(execFile)

async function pages(): Promise<string[]> {
  const all = await readdir(docs, { recursive: true })
  const own = all.filter((name) => name.endsWith('.md') && !/node_modules|\.vitepress/.test(name)).map((name) => join(docs, name))
  return own.sort()
}

/** The text without blocks of code and comments, which hold no links and no headings. */
const prose = (text: string): string => text.replace(/^```[^]*?^```$/gm, '').replace(/<!--[^]*?-->/g, '')

/** The anchors of a file, as a code host and the site make them. */
async function anchors(path: string): Promise<Set<string>> {
  const { slug } = (await import(join(docs, '.vitepress', 'slug.mjs'))) as { slug(heading: string): string }
  const seen = new Map<string, number>()
  const found = new Set<string>()
  for (const [, heading] of prose(readFileSync(path, 'utf8')).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = (heading ?? '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]/g, '')
    const name = slug(plain)
    const count = seen.get(name) ?? 0
    seen.set(name, count + 1)
    found.add(count ? `${name}-${count}` : name)
  }
  return found
}

test('every link of a page leads to a file and a heading', async () => {
  const files = [...(await pages()), ...['README.md', 'CONTRIBUTING.md', 'bindings-python/README.md'].map((name) => join(root, name))]
  const broken: string[] = []
  let count = 0
  for (const file of files) {
    const text = prose(readFileSync(file, 'utf8')).replace(/`[^`\n]*`/g, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      count++
      const [path = '', anchor] = link.split('#')
      const target = path ? resolve(dirname(file), decodeURI(path)) : file
      const known = existsSync(target) && (anchor == null || !target.endsWith('.md') || (await anchors(target)).has(anchor))
      if (!known) broken.push(`${relative(root, file)}: ${link}`)
    }
  }
  assert.deepEqual(broken, [])
  assert.ok(count > 100, `only ${count} links`)
})

test('the sidebar has every page, once', async () => {
  const { sections } = (await import(join(docs, '.vitepress', 'pages.mjs'))) as { sections: { pages: string[] }[] }
  const listed = ['index', ...sections.flatMap((section) => section.pages)].sort()
  assert.deepEqual(listed, (await pages()).map((page) => relative(docs, page).replaceAll('\\', '/').slice(0, -3)).sort())
})

/** The most letters of a line of code that has room on the site at 1280 pixels: `docs/.vitepress/theme/style.css`. */
const WIDTH = 88

test('no line of code is clipped', async () => {
  const wide: string[] = []
  let count = 0
  for (const page of await pages()) {
    // The command's own help wraps.
    for (const [, language = '', block = ''] of readFileSync(page, 'utf8').matchAll(/^```(\w+)[^\n]*\n([^]*?)^```$/gm)) {
      if (language === 'text') continue
      count++
      for (const line of block.split('\n')) if ([...line].length > WIDTH) wide.push(`${relative(docs, page)}: ${line}`)
    }
  }
  assert.deepEqual(wide, [])
  assert.ok(count > 100, `only ${count} blocks`)
})

test('a snippet calls its client `client`, and a page says what needs a key', async () => {
  const odd: string[] = []
  for (const page of await pages()) {
    const text = readFileSync(page, 'utf8')
    const made = [...text.matchAll(/^\s*(?:const |let )?(\w+) = (?:await |nb\.)?(?:new )?(?:Async)?Client(?:\.offline|::new|::offline)?\(/gm)]
    for (const [line, name = ''] of made) if (!/^_?client$/.test(name)) odd.push(`${relative(docs, page)}: ${line}`)
    const needsKey = made.some(([line]) => !/offline/.test(line))
    if (needsKey && !/needs? a key|offline/i.test(text)) odd.push(`${relative(docs, page)}: says nothing of the key`)
  }
  assert.deepEqual(odd, [])
})

/** A block that imports begins a module of its own; one that does not goes on from the one before. */
function modules(text: string): string[] {
  const found: string[] = []
  for (const [, why, block = ''] of text.matchAll(/(<!-- not run: [^\n]+? -->\n+)?^```ts\n([^]*?)^```$/gm)) {
    if (why) continue
    if (/^import /m.test(block) || !found.length) found.push(block)
    else found[found.length - 1] += block
  }
  return found
}

test('TypeScript of the pages compiles and runs', async () => {
  // Inside of the package, where its own name leads to it.
  const folder = await mkdtemp(join(root, 'tests', 'node', 'pages-'))
  const emulator = await Emulator.start()
  try {
    const media = join(root, 'tests', 'media')
    const names: [page: string, name: string][] = []
    for (const path of await pages()) {
      const page = relative(docs, path).replace(/[/\\]/g, '-').slice(0, -3)
      for (const [index, text] of modules(readFileSync(path, 'utf8')).entries()) {
        const name = `${page}-${index}`
        await writeFile(join(folder, `${name}.mts`), `${text}\nexport {}\n`)
        names.push([page, name])
      }
    }
    assert.ok(names.length > 10)
    const options = { module: 'nodenext', target: 'es2023', lib: ['es2023', 'esnext.disposable'], types: ['node'], strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.mts'] }))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const compiled = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error)
    assert.equal(compiled.code ?? 0, 0, compiled.stdout)
    const work = join(folder, 'work')
    await mkdir(work)
    const files = { 'boat.jpg': 'wide.jpg', 'sky.jpg': 'wide.jpg', 'cafe.jpg': 'wide.jpg', 'mia.jpg': 'wide.jpg', 'logo.png': 'square.png', 'sky-mask.png': 'wide-mask.png', 'plan.pdf': 'brief.pdf', 'prices.csv': 'prices.csv', 'company-ca.pem': 'ca.pem' }
    // Each page has a folder of its own: what one saves is not what another reads.
    for (const page of new Set(names.map(([page]) => page))) {
      await mkdir(join(work, page))
      for (const [name, source] of Object.entries(files)) await copyFile(join(media, source), join(work, page, name))
    }
    const program = names
      .map(([page, name]) => `process.chdir(${JSON.stringify(join(work, page))})\nawait import('../${name}.mts').catch((error) => { console.error('${name}'); throw error })\n`)
      .join('')
    await writeFile(join(work, 'all.mts'), program)
    const { GOOGLE_API_KEY: _key, ...env } = process.env
    const ended = await run(process.execPath, ['--import', require.resolve('tsx'), 'all.mts'], {
      cwd: work,
      timeout: 60_000,
      env: { ...env, GOOGLE_GEMINI_BASE_URL: emulator.url, GEMINI_API_KEY: 'a-key-of-a-reader' },
    }).catch((error) => error)
    assert.equal(ended.code ?? 0, 0, `${ended.stdout}\n${ended.stderr}`)
  } finally {
    await emulator.close()
    await rm(folder, { recursive: true })
  }
})

interface Row {
  name: string
  from: string
  at: 'call' | 'client' | 'retry'
}

/** What the client says of another library's name, as a cell of a table. */
async function answer(client: Client, { name, at }: Row): Promise<string> {
  const options = { [name]: 'a value' }
  try {
    if (at === 'client') new Client({ apiKey: 'a-key-of-a-reader', ...(options as object) })
    else await client.generate('x', (at === 'retry' ? { retry: options } : options) as never)
  } catch (error) {
    if (!(error instanceof NanoBananaError)) throw error
    const [, said] = /^option `[^`]+` (?:does not exist: )?(.*)$/s.exec(error.message) ?? []
    const isForeign = error instanceof InvalidOptionError && /does not exist|is (called|written) /.test(error.message)
    // A name that is ours, too, is refused for its value.
    if (isForeign && said) return said.replace(/^is (?:called|written) (`[^`]+`)(.*) here$/, '$1$2').replaceAll('|', '\\|')
  }
  return 'the same name'
}

test('names of other libraries are as the client answers them', async () => {
  const { names } = JSON.parse(readFileSync(join(root, 'tests', 'foreign_names.json'), 'utf8')) as { names: Row[] }
  const page = join(docs, 'coming-from.md')
  const before = readFileSync(page, 'utf8')
  let after = before
  const client = await Client.offline()
  for (const library of ['@google/genai', 'ai']) {
    const answers = new Map<string, string[]>()
    for (const row of names.filter(({ from }) => from.split(' ')[0] === library).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const said = await answer(client, row)
      answers.set(said, [...(answers.get(said) ?? []), `\`${row.name}\``])
    }
    assert.ok(answers.size > 2, library)
    const lines = [...answers].map(([ours, theirs]) => `| ${theirs.join(', ')} | ${ours} |\n`).join('')
    const [start, end] = [`<!-- table: ${library} -->`, '<!-- end -->']
    const [head = '', rest = ''] = after.split(start)
    after = `${head}${start}\n| there | here |\n| --- | --- |\n${lines}${end}${rest.slice(rest.indexOf(end) + end.length)}`
  }
  await client.close()
  if (before === after) return
  writeFileSync(page, after)
  assert.fail('docs/coming-from.md was out of date and has been rewritten; look at the difference, run again')
})
