import { BackstitchError } from '../../kernel/errors.ts'

/**
 * Checks offsets that are to be set.
 * @param partitions how many the topic has; `undefined` where it does not exist
 * @throws `CONFIG_INVALID`
 */
export function assertOffsets(
  topic: string,
  partitions: number | undefined,
  offsets: ReadonlyMap<number, bigint>,
): void {
  if (partitions === undefined) throw new BackstitchError('CONFIG_INVALID', `${topic}: no such topic`)
  for (const [partition, offset] of offsets) {
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `${topic}: it has ${partitions} partitions, none ${partition}`,
      )
    if (offset < 0n) throw new BackstitchError('CONFIG_INVALID', `${topic}/${partition}: offset ${offset}`)
  }
}
