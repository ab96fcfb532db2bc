// What is measured: who does which work, how often, and the marks that nanobanana is held to.

const MB = 1e6

/** Who does the work. `of` is the library; floor, python and node say how it is run. */
export const sides = {
  floor: { label: 'floor (Rust)', floor: true },
  ours_py: { label: 'nanobanana, Python', of: 'nanobanana-sdk', python: 'sync', ours: true },
  ours_py_async: { label: 'nanobanana, Python async', of: 'nanobanana-sdk', python: 'async', ours: true },
  google_py: { label: 'google-genai', of: 'google-genai', python: 'sync' },
  google_py_async: { label: 'google-genai, async', of: 'google-genai', python: 'async' },
  openai_py: { label: 'openai, Python', of: 'openai', python: 'sync' },
  openai_py_async: { label: 'openai, Python async', of: 'openai', python: 'async' },
  ours_node: { label: 'nanobanana, Node', of: 'nanobanana-sdk', node: true, ours: true },
  google_node: { label: '@google/genai', of: '@google/genai', node: true },
  openai_node: { label: 'openai, Node', of: 'openai', node: true },
  pillow: { label: 'Pillow', of: 'pillow', python: 'sync' },
  sharp: { label: 'sharp', of: 'sharp', node: true },
}

const GOOGLE = ['ours_py', 'ours_py_async', 'google_py', 'google_py_async', 'ours_node', 'google_node']
const ALL = [...GOOGLE.slice(0, 4), 'openai_py', 'openai_py_async', ...GOOGLE.slice(4), 'openai_node']
const OURS = ALL.filter((side) => sides[side].ours)

/** A mark: what it is, the most that is allowed, and what was measured for each of ours. */
const marks = (what, most, value, show = (number) => number.toFixed(2), of = OURS) =>
  of.map((side) => ({ what, side, most, show, value: (medians) => value(medians[side], medians) }))

const timesFloor = (column) => (ours, all) => ours[column] / all.floor[column]
const megabytes = (bytes) => `${(bytes / MB).toFixed(1)} MB`

const reply = (name, what, size, more) => ({
  name,
  title: `${what} of ${size} MB`,
  work: what.startsWith('A stream') ? 'stream' : 'reply',
  size: size * MB,
  sides: ['floor', ...ALL],
  rounds: 9,
  ...more,
})

const PHOTO = { png: 'photo.png', jpeg: 'photo.jpg', 'webp lossless': 'photo-lossless.webp', webp: 'photo.webp' }

export const cases = [
  {
    name: 'import',
    title: 'Import',
    about: 'The import alone, and the making of the first client after it.',
    sides: ['ours_py', 'google_py', 'openai_py', 'ours_node', 'google_node', 'openai_node'],
    rounds: 11,
    columns: ['wall', 'cpu', 'peak', 'client'],
    // Once, so that files are in memory.
    unmeasured: 1,
  },
  {
    name: 'small',
    title: 'A small call',
    about: 'One call after the other on one connection, each answered with a picture of 2 kB; figures are of one call.',
    work: 'small',
    size: 2000,
    count: 500,
    warm: 100,
    sides: ['floor', ...ALL],
    rounds: 7,
    columns: ['wall', 'cpu'],
    marks: [
      ...marks('CPU, times google-genai’s', 0.25, (ours, all) => ours.cpu / all.google_py.cpu, undefined, ['ours_py']),
      ...marks('CPU, times google-genai’s', 0.25, (ours, all) => ours.cpu / all.google_py_async.cpu, undefined, ['ours_py_async']),
      ...marks('CPU, times @google/genai’s', 0.5, (ours, all) => ours.cpu / all.google_node.cpu, undefined, ['ours_node']),
    ],
  },
  {
    name: 'offline',
    title: 'A call to the emulator',
    about: 'Here the server is the emulator, in a process of its own; each call has another seed of its own choice, so each picture of 1024×1024 is drawn and encoded anew. Emulator: the CPU of its process for one call, and its part of what both spend.',
    emulator: true,
    work: 'small',
    count: 40,
    warm: 5,
    sides: ['ours_py', 'google_py', 'ours_node', 'google_node'],
    rounds: 7,
    columns: ['wall', 'cpu', 'emulator', 'share'],
  },
  reply('reply20', 'A reply', 20, {
    marks: [
      ...marks('CPU, times the floor’s', 1.5, timesFloor('cpu')),
      ...marks('peak memory', 26 * MB, (ours) => ours.peak, megabytes),
    ],
  }),
  reply('stream20', 'A stream with one picture', 20, { marks: marks('CPU, times the floor’s', 1.5, timesFloor('cpu')) }),
  reply('stream30', 'A stream with one picture', 30, { rounds: 5 }),
  {
    name: 'inputs',
    title: '14 pictures of 4 MB, sent from disk',
    about: 'The libraries of Google have no way to name a file in a request: their figures hold reading it, too. OpenAI’s edits are another kind of request and are left out.',
    work: 'inputs',
    size: 2000,
    files: 14,
    weight: 14 * 4 * MB,
    sides: ['floor', ...GOOGLE],
    rounds: 9,
    marks: [
      ...marks('CPU, times the floor’s', 1.3, timesFloor('cpu')),
      ...marks('peak memory, times the inputs', 0.15, (ours) => ours.peak / (14 * 4 * MB)),
    ],
  },
  {
    name: 'flight',
    title: '64 calls at once, with replies of 4 MB',
    about: 'Stall: the longest delay of a 5 ms ticker on the event loop. Idle: that of a ticker alone in another process at the same time.',
    work: 'flight',
    size: 4 * MB,
    count: 64,
    weight: 64 * 4 * MB,
    sides: ['floor', ...ALL.filter((side) => sides[side].python !== 'sync')],
    rounds: 7,
    columns: ['wall', 'cpu', 'peak', 'stall', 'control', 'over'],
    marks: [
      ...marks('wall time, times the floor’s', 1.5, timesFloor('wall'), undefined, ['ours_py_async', 'ours_node']),
      ...marks('stall above idle', 0.01, (ours) => ours.over, (seconds) => `${(seconds * 1000).toFixed(1)} ms`, ['ours_py_async', 'ours_node']),
    ],
  },
  {
    name: 'chat',
    title: 'A chat of ten turns, with pictures of 4 MB',
    about: 'All pictures so far go back with each turn: 180 MB in all are sent, as base64.',
    work: 'chat',
    size: 4 * MB,
    count: 10,
    weight: 10 * 4 * MB,
    sides: ['floor', ...GOOGLE],
    rounds: 7,
    marks: [
      ...marks('CPU, times the floor’s', 1.5, timesFloor('cpu')),
      ...marks('peak memory, times the pictures', 1.3, (ours) => ours.peak / (10 * 4 * MB)),
    ],
  },
  {
    name: 'decode',
    title: 'Decoding a photo of 12 megapixels',
    about: 'From a file in memory to 8-bit pixels in an array.',
    variants: Object.entries(PHOTO).map(([name, file]) => ({ name, file })),
    sides: ['ours_py', 'pillow', 'ours_node', 'sharp'],
    rounds: 5,
    columns: ['wall', 'cpu', 'peak'],
  },
  {
    name: 'encode',
    title: 'Encoding a photo of 12 megapixels',
    about: 'From an uncompressed TIFF to a file in memory, everywhere with the same quality and full colour resolution, and with the effort that is the library’s default; so the sizes belong to the times.',
    variants: [
      { name: 'png', file: 'photo.tif', format: 'png' },
      { name: 'jpeg, quality 92', file: 'photo.tif', format: 'jpeg', quality: 92 },
      { name: 'webp lossless', file: 'photo.tif', format: 'webp' },
      { name: 'webp, quality 80', file: 'photo.tif', format: 'webp', quality: 80 },
    ],
    sides: ['ours_py', 'pillow', 'ours_node', 'sharp'],
    rounds: 3,
    columns: ['wall', 'cpu', 'peak', 'size'],
  },
]
