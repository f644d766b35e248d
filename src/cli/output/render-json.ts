/** A result as indented JSON; whole numbers beyond the safe range of JSON’s readers are strings. */
export function renderJson(value: unknown): string {
  return `${JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? String(field) : field), 2)}\n`
}
