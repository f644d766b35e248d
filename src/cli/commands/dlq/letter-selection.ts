import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LetterFilter, LetterSelection } from '../../../inbox/letters/operator/letter-operator.ts'
import { type Duration, durationMs } from '../../../kernel/duration.ts'
import { BackstitchError } from '../../../kernel/errors.ts'
import { limitOf } from '../../operator-options.ts'

/** Which letters a command is about, by what they are. */
export type FilterOptions = {
  readonly group?: string
  readonly topic?: string
  readonly type?: string
  readonly key?: string
  readonly code?: string
  readonly state?: 'dead' | 'retrying'
  readonly deadFor?: number
}

/** How an act names its letters, and how many it may be about. */
export type SelectionOptions = FilterOptions & {
  readonly database?: string
  readonly all?: boolean
  readonly limit: number
  readonly dryRun: boolean
}

/** Adds {@link FilterOptions}. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--group <group>', 'only those of this consumer group')
    .option('--topic <topic>', 'only those of this topic')
    .option('--type <type>', 'only those of this type of message')
    .option('--key <key>', 'only those with this key')
    .option('--code <code>', 'only those that are there for this reason, such as HANDLER_FAILED')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['dead', 'retrying']))
    .option('--dead-for <duration>', 'only those that have been there for so long, such as 10m', durationOf)
}

/** Adds {@link SelectionOptions} and the argument of ids. */
export function addSelectionOptions(command: Command): Command {
  return addFilterOptions(command.argument('[id...]', 'the letters by their ids', idsOf))
    .option('--all', 'instead of ids or a filter: every letter')
    .option('--limit <number>', 'letters at most, the oldest first', limitOf, 1_000)
    .option('--dry-run', 'tell what would be done, and do nothing', false)
    .option('--database <name>', 'the database of the configuration, where it has several')
}

/** The filter of a command line; empty when there is none. */
export function filterOf({ group, topic, type, key, code, state, deadFor }: FilterOptions): LetterFilter {
  return {
    ...(group !== undefined && { group }),
    ...(topic !== undefined && { topic }),
    ...(type !== undefined && { type }),
    ...(key !== undefined && { key }),
    ...(code !== undefined && { code }),
    ...(state !== undefined && { state }),
    ...(deadFor !== undefined && { deadForMs: deadFor }),
  }
}

/** @throws `CONFIG_INVALID` unless exactly one way to name letters was used */
export function selectionOf(ids: readonly string[], options: SelectionOptions): LetterSelection {
  const filter = filterOf(options)
  const isFiltered = Object.keys(filter).length > 0
  if ([ids.length > 0, isFiltered, options.all === true].filter(Boolean).length !== 1)
    throw new BackstitchError(
      'CONFIG_INVALID',
      'Name the letters by ids, or by a filter (--group, --topic, --type, --key, --code, --state, --dead-for), or by --all',
    )
  if (isFiltered) return { filter }
  return options.all === true ? { all: true } : { ids }
}

/** The id of a letter as it is written. */
export function idOf(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return text
}

function idsOf(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), idOf(text)]
}

function durationOf(text: string): number {
  try {
    return durationMs(text as Duration)
  } catch {
    throw new InvalidArgumentError('It is a duration, such as 10m.')
  }
}
