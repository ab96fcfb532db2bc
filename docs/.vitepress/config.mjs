import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sections } from './pages.mjs'
import { slug } from './slug.mjs'
import { groups } from './tabs.mjs'

const docs = join(dirname(fileURLToPath(import.meta.url)), '..')
const root = join(docs, '..')
const host = 'https://github.com/nanobanana-sdk/nanobanana'

const source = (page) => readFileSync(join(docs, `${page}.md`), 'utf8')
const title = (page) => /^# (.+)$/m.exec(source(page))[1]

/** Links to files that are no pages lead to the code host. */
function outside(md) {
  md.core.ruler.after('inline', 'links-outside', ({ tokens, env }) => {
    const folder = dirname(join(docs, env.relativePath ?? ''))
    for (const link of tokens.flatMap((token) => token.children ?? []).filter((token) => token.type === 'link_open')) {
      const href = link.attrGet('href')
      if (/^([a-z]+:|#|\/)/.test(href)) continue
      const [path, anchor] = href.split('#')
      const target = resolve(folder, decodeURI(path))
      if (!relative(docs, target).startsWith('..')) continue
      link.attrSet('href', `${host}/blob/main/${relative(root, target)}${anchor ? `#${anchor}` : ''}`)
    }
  })
}

/** The first paragraph of a page, as plain text. */
function summary(page) {
  const blocks = source(page).replace(/<!--[^]*?-->|^```[^]*?^```$/gm, '').split(/\n\s*\n/)
  const first = blocks.find((block) => /^[\p{L}`*[]/u.test(block.trim())) ?? ''
  const plain = first.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]/g, '').replace(/\s+/g, ' ').trim()
  return plain.length > 200 ? `${plain.slice(0, 197).replace(/ \S*$/, '')} …` : plain
}

/** llms.txt lists the pages; llms-full.txt is all of them. */
function forAgents(folder) {
  const intro = summary('index')
  const lists = sections.map(({ title: name, pages }) => {
    const lines = pages.map((page) => `- [${title(page)}](${page}.md): ${summary(page)}`)
    return `## ${name}\n\n${lines.join('\n')}\n`
  })
  writeFileSync(join(folder, 'llms.txt'), `# nanobanana\n\n> ${intro}\n\n${lists.join('\n')}`)
  const all = ['index', ...sections.flatMap(({ pages }) => pages)]
  writeFileSync(join(folder, 'llms-full.txt'), all.map((page) => `<!-- ${page}.md -->\n\n${source(page)}`).join('\n\n'))
  // The list's links lead to Markdown, which stands beside each page.
  for (const page of all) writeFileSync(join(folder, `${page}.md`), source(page))
}

// These functions are sent to the browser as text, so they use nothing from outside.
const miniSearch = {
  options: {
    // Words, and names such as IMAGE_SAFETY as a whole, too.
    tokenize: (text) => [...text.split(/[\n\r\p{Z}\p{P}]+/u), ...(text.match(/[A-Za-z]+(?:_[A-Za-z0-9]+)+/g) ?? [])],
    processTerm: (term) => {
      const word = term.toLowerCase()
      return /^(a|an|and|am|are|can|do|does|for|how|i|in|is|it|my|of|on|or|the|to|what|when|with)$/.test(word) ? null : word
    },
  },
  searchOptions: {
    fuzzy: 0.2,
    prefix: true,
    boost: { title: 4, titles: 1, text: 1 },
    // What readers type in place of the pages' own words is looked for, too.
    processTerm: (term) => {
      const word = term.toLowerCase()
      if (/^(a|an|and|am|are|can|do|does|for|how|i|in|is|it|my|of|on|or|the|to|what|when|with)$/.test(word)) return null
      const same = {
        image: ['image', 'picture'],
        img2img: ['edit', 'image', 'picture'],
        pricing: ['price', 'prices'],
        resolution: ['resolution', 'size', 'pixels'],
      }
      if (/^(image|img|photo|pic|picture)s?$/.test(word)) return same.image
      // A name in camel case is looked for in snake case, too, which is several words.
      const parts = /^[a-z]+[A-Z]/.test(term) ? term.split(/(?=[A-Z])/).map((part) => part.toLowerCase()) : []
      return Object.hasOwn(same, word) ? same[word] : [word, ...parts]
    },
    // Long lists, which hold every word, come after the pages that explain it.
    boostDocument: (id) => (/^\/(facts|clients|benchmarks)/.test(id) ? 0.3 : /^\/(reference|ideas|support)/.test(id) ? 0.7 : 1),
  },
}

export default {
  title: 'nanobanana',
  description: "Google's Nano Banana image models from Python, Node, Rust and the shell",
  lang: 'en',
  srcExclude: ['code/**'],
  head: [['link', { rel: 'icon', href: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><text y=".9em" font-size="90">🍌</text></svg>' }]],
  markdown: {
    anchor: { slugify: slug },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
    config: (md) => md.use(groups).use(outside),
  },
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    search: {
      provider: 'local',
      options: { detailedView: true, miniSearch },
    },
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Models', link: '/models' },
      { text: 'Reference', link: '/reference/methods' },
      { text: 'Errors', link: '/faults' },
    ],
    sidebar: sections.map(({ title: text, pages }) => ({
      text,
      items: pages.map((page) => ({ text: title(page), link: `/${page}` })),
    })),
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: host }],
    footer: { message: 'Apache-2.0. Not affiliated with Google.' },
    editLink: { pattern: `${host}/edit/main/docs/:path` },
  },
  buildEnd: ({ outDir }) => forAgents(outDir),
}
