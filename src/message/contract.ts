import { createHash } from 'node:crypto'
import { z } from 'zod'
import { BackstitchError, reasonOf } from '../kernel/errors.ts'
import { isStorableText, quoted } from './storable-text.ts'

/** Refuses a contract whose name or version cannot travel. @throws `CONTRACT_INVALID` */
export function assertContract(name: string, version: number): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/.test(name))
    throw new BackstitchError(
      'CONTRACT_INVALID',
      `${quoted(name)}: a name has 1 to 200 letters, digits, dots, dashes or underscores, and begins with a letter or digit`,
    )
  if (!Number.isInteger(version) || version < 1 || version > 1_000_000)
    throw new BackstitchError('CONTRACT_INVALID', `${name}: the version ${version} is no whole number from 1`)
}

/** A business key is part of a primary key, and an entry of an index of Postgres holds 2,704 bytes. */
const keyBytesMax = 2_000

/**
 * Refuses a key that Postgres or Kafka cannot hold: it has 1 to 1,000 characters, and at most 2,000 bytes in UTF-8. An empty one would put
 * unrelated messages in one line.
 * @throws `MESSAGE_INVALID`
 */
export function assertKey(key: unknown, owner: string): string {
  if (
    !isStorableText(key) ||
    key === '' ||
    key.length > 1_000 ||
    // A character has at most three bytes, two of them where it is a half of a pair.
    (key.length * 3 > keyBytesMax && Buffer.byteLength(key) > keyBytesMax)
  )
    throw new BackstitchError(
      'MESSAGE_INVALID',
      `${owner}: the key is no text of 1 to 1,000 characters and at most 2,000 bytes of UTF-8, without NUL or lone surrogates`,
    )
  return key
}

/**
 * A fingerprint of named schemas, by their JSON Schema: two contracts of one name whose wire differs have different hashes.
 * Schemas that JSON Schema cannot say count as anything. The order of the names does not matter.
 * @throws `CONTRACT_INVALID` when zod cannot describe a schema (two parts of it carry one id)
 */
export function schemaHash(schemas: Readonly<Record<string, z.ZodType>>, owner: string): string {
  const hash = createHash('sha256')
  try {
    for (const name of Object.keys(schemas).sort())
      hash.update(
        JSON.stringify([name, z.toJSONSchema(schemas[name] as z.ZodType, { unrepresentable: 'any' })]),
      )
  } catch (cause) {
    throw new BackstitchError('CONTRACT_INVALID', `${owner}: ${reasonOf(cause)}`, { cause })
  }
  return hash.digest('hex').slice(0, 16)
}
