// From what was measured to tables: medians, and ratios to the floor or, where there is none, to nanobanana.
import { cpus, release, totalmem } from 'node:os'
import { sides } from './cases.mjs'

const milliseconds = (seconds) => {
  const number = seconds * 1000
  return number.toFixed(number < 1 ? 2 : number < 100 ? 1 : 0)
}
const megabytes = (bytes) => (Math.max(bytes, 0) / 1e6).toFixed(1)

const COLUMNS = {
  wall: { title: 'wall ms', show: milliseconds },
  cpu: { title: 'CPU ms', show: milliseconds },
  peak: { title: 'peak MB', show: megabytes },
  client: { title: 'first client ms', show: milliseconds },
  stall: { title: 'stall ms', show: milliseconds },
  control: { title: 'idle ms', show: milliseconds },
  over: { title: 'stall above idle ms', show: milliseconds },
  size: { title: 'file MB', show: megabytes },
  emulator: { title: 'emulator ms', show: milliseconds },
  share: { title: '% of both', show: (part) => (part * 100).toFixed(0) },
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The medians of one side's runs. */
function medians(row) {
  const names = Object.keys(row.runs[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(row.runs.map((run) => run[name]))]))
}

/** A row's columns as text: figures, each of time and CPU with its ratio behind it. */
function cells(one, row, all) {
  const ours = medians(row)
  // What a row is compared with: the floor, or nanobanana in the same language.
  const language = sides[row.side].node ? 'ours_node' : 'ours_py'
  const same = (side) => all.find((other) => other.side === side && other.variant === row.variant && other.runs.length)
  const base = same('floor') ?? same(language) ?? same('ours_py')
  const columns = one.columns ?? ['wall', 'cpu', 'peak']
  return columns.flatMap((name) => {
    const { show } = COLUMNS[name]
    const figure = name in ours ? show(ours[name]) : ''
    if (name === 'peak' && one.weight) return [figure, (Math.max(ours.peak, 0) / one.weight).toFixed(2)]
    if (name === 'peak' && one.size > 1e6) return [figure, (Math.max(ours.peak, 0) / one.size).toFixed(2)]
    if (name !== 'wall' && name !== 'cpu') return [figure]
    return [figure, base ? (ours[name] / medians(base)[name]).toFixed(2) : '']
  })
}

function heads(one, row) {
  const times = row ? `× ${one.sides.includes('floor') ? 'floor' : 'ours'}` : ''
  return (one.columns ?? ['wall', 'cpu', 'peak']).flatMap((name) => {
    const { title } = COLUMNS[name]
    if (name === 'wall' || name === 'cpu') return [title, times]
    if (name === 'peak' && one.files) return [title, '× inputs']
    if (name === 'peak' && (one.weight || one.size > 1e6)) return [title, '× pictures']
    return [title]
  })
}

/** The table of one case, in Markdown. */
export function table(one, { rows, error }) {
  if (error) return `This case failed: ${error}`
  const shown = rows.filter((row) => !row.skip)
  const first = one.variants ? ['format', ''] : ['']
  const head = [...first, ...heads(one, true)]
  const lines = shown.map((row) => {
    const label = sides[row.side].ours ? `**${sides[row.side].label}**` : sides[row.side].label
    const start = one.variants ? [row.variant, label] : [label]
    if (!row.runs.length) return [...start, `failed: ${row.error}`]
    return [...start, ...cells(one, row, rows)]
  })
  const rule = head.map((_, at) => (at < first.length ? '---' : '--:'))
  const padded = lines.map((line) => [...line, ...Array(head.length - line.length).fill('')])
  return [head, rule, ...padded].map((line) => `| ${line.join(' | ')} |`).join('\n')
}

/** The marks of all cases, and whether they are met. */
function marks(cases, results) {
  const lines = cases.flatMap((one) => {
    const found = results[one.name]
    if (!found || !one.marks) return []
    const all = Object.fromEntries(found.rows.filter((row) => row.runs.length).map((row) => [row.side, medians(row)]))
    return one.marks.map(({ what, side, most, show, value }) => {
      let got
      try {
        got = value(all)
      } catch {
        got = NaN
      }
      const verdict = Number.isNaN(got) ? 'not measured' : got <= most ? 'met' : '**missed**'
      return `| ${one.name} | ${sides[side].label} | ${what} | ${show(most)} | ${Number.isNaN(got) ? '' : show(got)} | ${verdict} |`
    })
  })
  return ['| case | | mark | at most | measured | |', '| --- | --- | --- | --: | --: | --- |', ...lines].join('\n')
}

/** The whole document. */
export function document(cases, results, versions) {
  const measured = cases.filter(({ name }) => results[name])
  const of = (key) => [...new Set(measured.map(({ name }) => results[name][key]))].join(', ')
  const chips = cpus()
  const machine = `${chips.length} cores (${chips[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${/^[\d.]*\d/.exec(release())?.[0]}`
  const sections = measured.map((one) => {
    const rounds = Math.max(0, ...results[one.name].rows.map((row) => row.runs.length))
    return `## ${one.title}\n\n\`${one.name}\`, ${rounds} rounds. ${one.about ?? ''}\n\n${table(one, results[one.name])}`.replace(' \n', '\n')
  })
  return `# Benchmarks

<!-- Written by \`npm run bench\`; every figure is of one machine, and good for ratios, not for promises. -->

Measured on ${of('at')} at commit ${of('commit')}, on ${machine}.

${versions.map((line) => `- ${line}`).join('\n')}

## How it is measured

Every measurement has a fresh process of its own, which makes one small call first (where there are calls) so that
connections, imports and tables stand. The sides take turns, each round in another order, and a figure is the median of
the rounds. The server, but for the emulator's own case, is a process of its own that swallows what is sent without parsing it and answers with
a reply prepared before, over plain HTTP/1.1 on loopback: no TLS, no network, no model. So what is left is what the
library itself costs; in a real call the model's seconds come on top and are the same for everyone.

- **CPU** is user and system time of all threads of the client's process from the start of the case to its end. On
  a busy machine it is the figure to trust; wall time suffers first.
- **Peak** is the high-water mark of resident memory (\`VmHWM\`, reset before) above what was resident when the case
  began. What the case itself keeps, its pictures, is part of it.
- **The floor** is a Rust program (\`tests/bench/floor\`) that does the same work and nothing else: reqwest, base64 by SIMD
  while the bytes come and go, one \`Vec\` a picture, memory for what is sent used again. It does not parse JSON, know
  errors, retry or keep a deadline. It is a good program, no proof that nothing can cost less: a ratio somewhat below 1 is
  the luck of threads and allocators.
- **Pictures** in replies are random bytes behind a PNG's header: nobody gains by compressing them. What is decoded and
  encoded is a made photo, the same file for everyone.
- All peers run with their defaults, without retries, and their pictures are decoded from base64 to bytes if they do not do
  it themselves. A side that fails is shown as failed and ends nothing else; a slow one has three rounds.

Run it yourself: \`npm run bench\`, or \`npm run bench -- small reply20\` for some cases, \`-- --resume\` to go on with a run
that was ended. It needs Rust, Python 3.11, Node 20 and Linux, keeps everything in \`target/bench\` and takes about ten
minutes after its builds.

## The marks

What nanobanana is held to.

${marks(cases, results)}

${sections.join('\n\n')}
`
}
