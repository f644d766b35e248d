/**
 * The key of the advisory lock that a transaction holds while it adds a definition. Whoever starts a saga only tries to have it, so that two
 * callers that use new definitions for the first time never wait for each other.
 * @param row the expression that has `name`, `version` and `hash`
 */
export function definitionLock(schema: string, row: string): string {
  const owner = schema.replaceAll("'", "''")
  return `hashtextextended('${owner}.saga_definition ' || ${row}.name || ' v' || ${row}.version || ' ' || ${row}.hash, 0)`
}
