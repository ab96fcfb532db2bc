// What a release's packages hold besides code.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './helpers'

const notices = import(join(root, 'release', 'notices.mjs')) as Promise<{
  page(found: { name: string; text: string }[], bare: string[]): string
}>

test('a licence stands once under all names, and every line of a holder is kept', async () => {
  const { page } = await notices
  const words = (holder: string): string => `MIT License\n\nCopyright (c) ${holder}\n\nPermission is granted,\nprovided that the above\ncopyright notice is kept.\n`
  const text = page([
    { name: 'one 1.0', text: words('2001 Ada') },
    { name: 'two 2.0', text: words('2002 Grace').replaceAll('\n', '\r\n  ') },
    { name: 'three 3.0', text: words('2001 Ada') },
    { name: 'four 4.0', text: words('2004 Edsger').replace('granted', 'denied') },
  ], ['five 5.0: MIT'])
  assert.equal(text.match(/Permission is granted/g)?.length, 1, text)
  assert.match(text, /one 1\.0, three 3\.0\n {2}Copyright \(c\) 2001 Ada\ntwo 2\.0\n {2}Copyright \(c\) 2002 Grace\n-/)
  assert.match(text, /copyright notice is kept\./)
  assert.match(text, /four 4\.0\n {2}Copyright \(c\) 2004 Edsger\n-+\n\nMIT License\s+Permission is denied/)
  assert.match(text, /five 5\.0: MIT/)
})
