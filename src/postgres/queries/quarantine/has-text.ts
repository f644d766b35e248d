/**
 * That a column of the quarantine has a text, in the form that its indexes serve: they hold hashes, for keys and topics of plain SQL may be
 * longer than an entry of an index. Two texts may share a hash, so the text itself is compared as well.
 * @param value a parameter or column of type text
 * @example hasText('q.topic', '$1::text')
 */
export function hasText(column: string, value: string): string {
  return `hashtextextended(${column}, 0) = hashtextextended(${value}, 0) and ${column} = ${value}`
}
