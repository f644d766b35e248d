import { BackstitchError } from '../../kernel/errors.ts'

/** Deeper values than this are cyclic, or no message. */
const depthMax = 500

/**
 * Copies a value that JSON can hold, so that neither a mapper nor a schema keeps hold of a saga’s state, and what the state holds comes
 * back from the database as it was. Members that are `undefined` are left out, as JSON does.
 *
 * @param owner what the value is of, for the error
 * @throws `MESSAGE_INVALID` naming the place of what JSON cannot hold: a date, a bigint, `NaN`, an instance of a class, ...
 */
export function jsonCopy(value: unknown, owner: string): unknown {
  return copy(value, owner, '', 0)
}

function copy(value: unknown, owner: string, path: string, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  // JSON has no negative zero.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (depth === depthMax) throw refused(owner, path, 'something nested that deep')
  if (Array.isArray(value))
    return value.map((held: unknown, index) => copy(held, owner, `${path}[${index}]`, depth + 1))
  if (typeof value !== 'object')
    throw refused(owner, path, typeof value === 'number' ? `${value}` : `a ${typeof value}`)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw refused(owner, path, `an instance of ${value.constructor?.name ?? 'a class'}`)
  const copied: Record<string, unknown> = {}
  for (const [name, held] of Object.entries(value)) {
    if (held === undefined) continue
    if (name === '__proto__') throw refused(owner, path, 'a member named __proto__')
    copied[name] = copy(held, owner, `${path}.${name}`, depth + 1)
  }
  return copied
}

function refused(owner: string, path: string, what: string): BackstitchError {
  return new BackstitchError(
    'MESSAGE_INVALID',
    `${owner}: ${path.replace(/^\./, '') || '(body)'}: JSON cannot hold ${what}`,
  )
}
