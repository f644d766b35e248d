import { type Command, InvalidArgumentError } from 'commander'
import { BackstitchError } from '../../../kernel/errors.ts'
import type { BulkOptions, QuarantineSelection } from '../../../relay/operator/outbox-operator.ts'
import { limitOf } from '../../operator-options.ts'

/** How an act names its rows, beside their seqs, and how many it may be about. */
export type SelectionOptions = Required<BulkOptions> & {
  readonly database?: string
  readonly topic?: string
  readonly key?: string
  readonly all?: boolean
}

/** Adds {@link SelectionOptions} and the argument of seqs. */
export function addSelectionOptions(command: Command): Command {
  return command
    .argument('[seq...]', 'the rows by their seq', seqsOf)
    .option('--topic <topic>', 'instead of seqs: the rows for this topic')
    .option('--key <key>', 'and only those with this key')
    .option('--all', 'instead of seqs: every row')
    .option('--limit <number>', 'rows at most, the oldest first', limitOf, 1_000)
    .option('--dry-run', 'tell what would be done, and do nothing', false)
    .option('--database <name>', 'the database of the configuration, where it has several')
}

/** @throws `CONFIG_INVALID` unless exactly one way to name rows was used */
export function selectionOf(
  seqs: readonly string[],
  { topic, key, all }: SelectionOptions,
): QuarantineSelection {
  const ways = [seqs.length > 0, topic !== undefined, all === true].filter(Boolean).length
  if (ways !== 1 || (key !== undefined && topic === undefined))
    throw new BackstitchError(
      'CONFIG_INVALID',
      'Name the rows by seqs, or by --topic (with or without --key), or by --all',
    )
  if (topic !== undefined) return { topic, ...(key !== undefined && { key }) }
  return all === true ? { all } : { seqs }
}

/** A `seq` as it is written. */
export function seqOf(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return text
}

function seqsOf(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), seqOf(text)]
}
