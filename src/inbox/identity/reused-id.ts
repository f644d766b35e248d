import { deriveId } from '../../kernel/ids.ts'

/**
 * The id under which a message is put among the dead letters whose own id was claimed with another body. Each further copy of the same body
 * gets the same one, so that there is one dead letter of it.
 */
export function reusedId(id: string, fingerprint: bigint): string {
  return deriveId(id, 'reused', String(fingerprint))
}
