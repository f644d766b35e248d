/** What a table can show. */
export type Cell = string | number | bigint | boolean | Date | null | undefined

/**
 * Columns of text under their names, two spaces apart. What is absent is a dash; control characters, which could move the cursor of a
 * terminal, are escaped.
 */
export function renderTable<Name extends string>(
  columns: readonly Name[],
  rows: readonly Readonly<Partial<Record<Name, Cell>>>[],
): string {
  const cells = rows.map((row) => columns.map((name) => cellOf(row[name])))
  const widths = columns.map((name, n) => Math.max(name.length, ...cells.map((line) => line[n]?.length ?? 0)))
  const lines = [columns.map((name) => name.toUpperCase()), ...cells].map((line) =>
    line
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** A value as one line of text. */
export function cellOf(value: Cell): string {
  if (value === undefined || value === null || value === '') return '-'
  const text = value instanceof Date ? value.toISOString() : String(value)
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
