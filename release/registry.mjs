// A registry for npm on loopback that has the packages of dist/, as if they were published; it sends every other name on to
// the registry that npm is set to. Package managers are tried against it, since they resolve all platforms' packages.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { out, root } from './dist.mjs'

const targets = JSON.parse(readFileSync(join(root, 'bindings-node', 'targets.json'), 'utf8'))

/** Starts it. Gives its address, and a function that stops it. */
export async function registry() {
  const folder = join(out, 'npm')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const upstream = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', cwd: root }).stdout.trim().replace(/\/$/, '')
  const known = new Map()
  for (const { name, os, cpu, libc } of targets) {
    const manifest = { name: `nanobanana-sdk-${name}`, version, os: [os], cpu: [cpu], ...(libc ? { libc: [libc] } : {}) }
    known.set(manifest.name, { manifest, file: undefined })
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const name = file.slice(0, -`-${version}.tgz`.length)
    const manifest = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
    known.set(name, { manifest, file: join(folder, file) })
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname.slice(1))
    const tarball = /^files\/(.*)\.tgz$/.exec(path)
    const one = known.get(tarball ? tarball[1] : path)
    if (!one) {
      response.writeHead(302, { location: `${upstream}${request.url}` }).end()
    } else if (tarball) {
      if (one.file) response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(readFileSync(one.file))
      else response.writeHead(404).end()
    } else {
      const { manifest, file } = one
      const sum = createHash('sha512').update(file ? readFileSync(file) : manifest.name).digest('base64')
      const dist = { tarball: `http://127.0.0.1:${server.address().port}/files/${manifest.name}.tgz`, integrity: `sha512-${sum}` }
      // Old enough for package managers that wait until a version has lain for some days.
      const time = { [version]: '2026-01-01T00:00:00.000Z' }
      const packument = { name: manifest.name, time, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument))
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() }
}
