/** The tabs, by the language of a block of code. */
export const tabs = { python: 'Python', ts: 'Node', rust: 'Rust', sh: 'Shell' }

const language = (token) => token.info.trim().split(/[\s,]/)[0]

/**
 * A markdown-it plugin: blocks of code that follow each other directly, each in another language, become tabs. On a code
 * host they are what they are in the file, one block below the other.
 */
export function groups(md) {
  md.core.ruler.after('block', 'language-tabs', ({ tokens, Token }) => {
    // A comment for the tests does not part blocks.
    for (let at = tokens.length; at--; ) {
      if (tokens[at].type === 'html_block' && tokens[at].content.startsWith('<!-- not run: ')) tokens.splice(at, 1)
    }
    for (let first = 0; first < tokens.length; first++) {
      let last = first
      const seen = new Set()
      while (tokens[last]?.type === 'fence' && language(tokens[last]) in tabs && !seen.has(language(tokens[last]))) {
        seen.add(language(tokens[last++]))
      }
      if (last - first < 2) continue
      for (const token of tokens.slice(first, last)) token.info = `${language(token)} [${tabs[language(token)]}]`
      const open = new Token('container_code-group_open', 'div', 1)
      const close = new Token('container_code-group_close', 'div', -1)
      open.block = close.block = true
      open.info = ' code-group'
      tokens.splice(last, 0, close)
      tokens.splice(first, 0, open)
      first = last + 1
    }
  })
}
