import { reasonOf } from '../../kernel/errors.ts'
import type { CommandContract } from '../../message/command.ts'
import { validateBody } from '../../message/validate.ts'
import { jsonCopy } from './json-copy.ts'
import type { ReplyInput } from './saga-input.ts'

/** What an answer means to a saga. `fault` says why a rejection is none that the contract knows. */
export type ReplyVerdict =
  | { readonly kind: 'ok'; readonly result: unknown }
  | { readonly kind: 'rejected'; readonly name: string; readonly detail: unknown; readonly fault?: string }
  | { readonly kind: 'unreadable'; readonly fault: string }

/**
 * Reads an answer by the contract of its command. Never throws: an answer that does not fit is a verdict too, and concerns one saga alone.
 * A rejection that the contract does not know is still a no: nothing has happened at the participant.
 *
 * An undo is also done where there was nothing to undo. The participant’s barrier says so by itself, with `ok` and no body, since no
 * handler was there to make one.
 */
export function judgeReply(
  command: CommandContract,
  { direction, outcome, body }: Pick<ReplyInput, 'direction' | 'outcome' | 'body'>,
): ReplyVerdict {
  if (direction === 'undo' && outcome === 'ok' && body === null) return { kind: 'ok', result: null }
  const owner = `${command.name} v${command.version}, the reply ${outcome.slice(0, 200)}`
  if (outcome === 'ok') {
    const read = readBody(command.ok, body, owner)
    return 'fault' in read ? { kind: 'unreadable', ...read } : { kind: 'ok', result: read.body }
  }
  const name = outcome.startsWith('rejected.') ? outcome.slice('rejected.'.length, 200) : ''
  if (name === '') return { kind: 'unreadable', fault: `${owner}: neither ok nor rejected.<name>` }
  const schema = Object.hasOwn(command.rejected, name) ? command.rejected[name] : undefined
  if (schema === undefined)
    return { kind: 'rejected', name, detail: null, fault: `${owner}: the contract has no such rejection` }
  const read = readBody(schema, body, owner)
  return 'fault' in read
    ? { kind: 'rejected', name, detail: null, ...read }
    : { kind: 'rejected', name, detail: read.body }
}

function readBody(
  schema: CommandContract['ok'],
  body: unknown,
  owner: string,
): { readonly body: unknown } | { readonly fault: string } {
  try {
    return { body: jsonCopy(validateBody(schema, body, owner), owner) }
  } catch (cause) {
    return { fault: reasonOf(cause) }
  }
}
