// Which fields of a record JSON cannot hold (pictures, errors, records with such fields), and what
// they are. The rows stand in `generated.ts`.

const rows = new Map<string, Readonly<Record<string, string>>>()

export function holds(record: string, fields: Readonly<Record<string, string>>): void {
  rows.set(record, fields)
}

export function held(record: string): Readonly<Record<string, string>> {
  return rows.get(record) ?? {}
}
