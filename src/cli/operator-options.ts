import { type Command, InvalidArgumentError } from 'commander'

/** What every act of an operator is given. */
export type ActOptions = { readonly reason: string; readonly actor?: string }

/** Adds {@link ActOptions}: an act without a reason is refused before it begins. */
export function addActOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; it is kept with the act', wordsOf)
    .option('--actor <name>', 'who (default: the user of the operating system)', wordsOf)
}

/** How many rows a list has at most. */
export function limitOf(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1)
    throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

function wordsOf(text: string): string {
  if (text.trim() === '' || text.length > 1_000)
    throw new InvalidArgumentError('It has 1 to 1,000 characters.')
  return text
}
