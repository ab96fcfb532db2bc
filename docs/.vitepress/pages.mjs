/** The pages in the order in which the sidebar and llms.txt list them. */
export const sections = [
  {
    title: 'Start',
    pages: ['start', 'models'],
  },
  {
    title: 'Draw and edit',
    pages: ['edit', 'masks', 'references', 'chat-and-streams', 'inputs', 'output', 'files'],
  },
  {
    title: 'Many pictures and money',
    pages: ['bulk', 'money'],
  },
  {
    title: 'When things go wrong',
    pages: ['errors', 'timeouts', 'faults', 'safety'],
  },
  {
    title: 'In your program',
    pages: ['testing', 'emulator', 'threads', 'network', 'servers', 'support', 'notebooks', 'command'],
  },
  {
    title: 'Reference',
    pages: ['reference/methods', 'reference/options', 'reference/results', 'reference/errors', 'reference/models', 'reference/scripts', 'reference/command', 'environment', 'coming-from', 'glossary'],
  },
  {
    title: 'Behind it',
    pages: ['ideas', 'promises', 'privacy', 'limits', 'facts', 'clients', 'benchmarks'],
  },
]
