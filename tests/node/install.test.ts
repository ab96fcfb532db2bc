// What was built here, packed as a release packs it and installed into empty folders by npm. Python's own is `pip install .`, of which
// the README's first command makes a picture.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './helpers'

const skip = process.platform === 'win32' && 'npm is no program there, but a script of a shell'

test('the packages install, and the quick cells of the install matrix pass', { skip }, async () => {
  const out = await mkdtemp(join(tmpdir(), 'nanobanana-install-'))
  try {
    const core = (await readdir(join(root, 'bindings-node'))).find((file) => file.endsWith('.node'))
    assert.ok(core, 'nothing is built')
    for (const words of [['dist.mjs', '--core', join(root, 'bindings-node', core), 'npm'], ['matrix.mjs', '--quick']]) {
      const args = [join(root, 'release', words[0] ?? ''), ...words.slice(1), '--out', out]
      const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 300_000 })
      assert.equal(done.status, 0, `${done.stdout}${done.stderr}`)
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
})
