// Holds what nanobanana sends against what Google's own libraries send for the same ask.
import { isDeepStrictEqual } from 'node:util'

/** What is compared of a request: all but what is the transport's own, or given by the server. */
function essence({ method, path, query, headers, json }) {
  const asked = Object.fromEntries(Object.entries(query).filter(([name]) => !name.startsWith('upload_')))
  const upload = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-goog-upload-')))
  return { method, path, query: asked, upload, json }
}

/** The JSON with each map seen through `change`, the innermost first; what callers name themselves stays. */
function mapped(value, change) {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change))
  if (value === null || typeof value !== 'object') return value
  return change(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'labels' ? item : mapped(item, change)])))
}

/** Contents, those of one role that follow each other made one. */
function joined(contents, { role, parts }) {
  const last = contents.at(-1)
  return last?.role === role ? [...contents.slice(0, -1), { role, parts: [...last.parts, ...parts] }] : [...contents, { role, parts }]
}

const within = (change) => (request) => ({ ...request, json: mapped(request.json, change) })
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const without = (map, ...names) => Object.fromEntries(Object.entries(map).filter(([name]) => !names.includes(name)))

/**
 * The differences that are meant, and how each is taken out of a request of either side. One that no ask needs any
 * more is a fault, and the page says how many do.
 */
const DIFFERENCES = {
  'snake case': {
    why: 'google-genai spells some names with an underscore (`thinking_level`, `include_thoughts`, `image_search`, `mime_type`), which JSON of protocol buffers allows. nanobanana spells all as the documentation does.',
    take: within((map) => Object.fromEntries(Object.entries(map).map(([name, item]) => [camel(name), item]))),
  },
  'version of the API': {
    why: 'nanobanana asks `v1beta`, which is known to serve all five models; the libraries have asked `v1` since 3.0. `api_version` says otherwise on either side.',
    take: (request) => ({
      ...within((map) => (map.fileUri ? { ...map, fileUri: map.fileUri.replace(/^http:\/\/127.0.0.1:\d+\/v1(beta)?\//, 'v1/') } : map))(request),
      path: request.path.replace(/^(\/upload)?\/v1beta\//, '$1/v1/'),
    }),
  },
  'empty config': {
    why: 'The libraries send `generationConfig: {}` where nothing is set in it. It says nothing, and nanobanana sends nothing.',
    take: within((map) => (isDeepStrictEqual(map.generationConfig, {}) ? without(map, 'generationConfig') : map)),
  },
  'role of the system instruction': {
    why: 'The libraries name its role (`user`); the documentation does not, and the service does not read it.',
    take: within((map) => (map.systemInstruction ? { ...map, systemInstruction: without(map.systemInstruction, 'role') } : map)),
  },
  'alphabet of base64': {
    why: 'google-genai writes bytes with `-` and `_`. The service reads both; nanobanana sends signatures back to the letter as they came.',
    take: within((map) => Object.fromEntries(Object.entries(map).map(([name, item]) =>
      [name, /^(data|thoughtSignature|continuationToken)$/.test(camel(name)) && typeof item === 'string' ? item.replaceAll('-', '+').replaceAll('_', '/') : item]))),
  },
  'turn of a stream': {
    why: 'The libraries send each event of an earlier stream back as a content of its own; nanobanana sends the parts of the one turn together, as the answer to a call without a stream has them.',
    take: within((map) => (map.contents ? { ...map, contents: map.contents.reduce(joined, []) } : map)),
  },
  'whole request counted': {
    why: 'The libraries count the contents alone; nanobanana counts what the call would send, its options too, and only `generateContentRequest` says those.',
    take: within((map) => (map.generateContentRequest ? without(map.generateContentRequest, 'model') : map)),
  },
  'size of an upload': {
    why: 'google-genai sends it as a number; JSON of protocol buffers writes 64 bits as a text, as nanobanana and @google/genai do.',
    take: within((map) => (typeof map.sizeBytes === 'number' ? { ...map, sizeBytes: String(map.sizeBytes) } : map)),
  },
  'headers of a chunk': {
    why: 'The libraries repeat with each chunk some headers that only the start of an upload needs.',
    take: (request) => (/upload|finalize/.test(request.upload['x-goog-upload-command'] ?? '')
      ? { ...request, upload: without(request.upload, 'x-goog-upload-protocol', 'x-goog-upload-file-name', 'x-goog-upload-header-content-length', 'x-goog-upload-header-content-type') }
      : request),
  },
  'pages of files': {
    why: 'nanobanana lists all files and asks for the largest pages there are (100); the libraries leave it to the service, which gives 10.',
    take: (request) => ({ ...request, query: without(request.query, 'pageSize') }),
  },
  'body of a deletion': {
    why: '@google/genai sends `{}` with a DELETE. There is nothing to say, and nanobanana sends nothing.',
    take: (request) => (request.method === 'DELETE' && isDeepStrictEqual(request.json, {}) ? { ...request, json: null } : request),
  },
}

const taken = (requests, but) => Object.entries(DIFFERENCES).reduce((all, [name, { take }]) => (name === but ? all : all.map(take)), requests)

export function compared(ours, others) {
  const faults = []
  const counts = Object.fromEntries(Object.keys(DIFFERENCES).map((name) => [name, {}]))
  const equal = {}
  for (const [side, theirs] of Object.entries(others)) {
    equal[side] = 0
    for (const [place, { id, fault, requests }] of theirs.entries()) {
      const mine = ours[place]
      if (fault) faults.push(`${side} could not ask ${id}: ${fault}`)
      if (mine.fault) faults.push(`nanobanana could not ask ${id}: ${mine.fault}`)
      const [a, b] = [mine.requests.map(essence), requests.map(essence)]
      const isEqual = (but) => isDeepStrictEqual(taken(a, but), taken(b, but))
      if (!a.length || !isEqual()) {
        const shown = (all) => taken(all).map((request) => JSON.stringify(request)).join('\n           ')
        faults.push(`${id} differs from what ${side} sends:\nnanobanana ${shown(a)}\n${side.padEnd(10)} ${shown(b)}`)
        continue
      }
      equal[side] += 1
      for (const name of Object.keys(DIFFERENCES)) if (!isEqual(name)) counts[name][side] = (counts[name][side] ?? 0) + 1
    }
  }
  for (const [name, of] of Object.entries(counts)) if (!Object.keys(of).length) faults.push(`no ask needs the difference "${name}" any more`)
  const libraries = { python: 'google-genai', js: '@google/genai' }
  const told = (of) => Object.entries(of).map(([side, count]) => `${count} with ${libraries[side]}`).join(', ')
  return {
    faults,
    lines: [
      `For ${ours.length} asks ([asks.json](../tests/clients/asks.json)) the method, path, query and JSON that nanobanana sends are those of`,
      `google-genai (${equal.python} of ${ours.length}) and @google/genai (${equal.js} of ${ours.length}), but for these differences, each meant:`,
      '',
      ...Object.entries(DIFFERENCES).map(([name, { why }]) => `- **${name}** (${told(counts[name])}): ${why}`),
    ],
  }
}
