import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'
import type { CommandContract, Rejections } from '../../message/command.ts'
import { validateBody } from '../../message/validate.ts'

/** The answer `ok` of a command, with its body. */
export type OkOutcome<Ok extends z.ZodType = z.ZodType> = { readonly kind: 'ok'; readonly body: z.output<Ok> }

/** One of a command’s rejections, with its body. */
type RejectedOutcome<Rejected extends Rejections = Rejections> = {
  [Name in keyof Rejected & string]: {
    readonly kind: 'rejected'
    readonly name: Name
    readonly body: z.output<Rejected[Name]>
  }
}[keyof Rejected & string]

/** What a command’s handler returns: an answer of its contract. Without one the outcome is unknown, and never a no. */
export type CommandOutcome<Ok extends z.ZodType = z.ZodType, Rejected extends Rejections = Rejections> =
  | OkOutcome<Ok>
  | RejectedOutcome<Rejected>

/** Makes the rejections of a contract by name. */
export type Reject<Rejected extends Rejections> = {
  readonly [Name in keyof Rejected & string]: (body: z.input<Rejected[Name]>) => {
    readonly kind: 'rejected'
    readonly name: Name
    readonly body: z.output<Rejected[Name]>
  }
}

/** The makers of one call’s outcomes. */
export type OutcomeMakers = {
  readonly ok: (body: unknown) => OkOutcome
  readonly rejected: Reject<Rejections>
  /** The outcome again, when it is one that these makers made. @throws `HANDLER_RESULT_INVALID` */
  readonly checked: (returned: unknown) => CommandOutcome
}

/** Makes the {@link OutcomeMakers} of a contract. They validate the bodies: `MESSAGE_INVALID`. */
export function outcomeMakers(contract: CommandContract): OutcomeMakers {
  const owner = `${contract.name} v${contract.version}`
  const made = new WeakSet<object>()
  const remember = <Outcome extends object>(outcome: Outcome): Outcome => {
    made.add(outcome)
    return outcome
  }
  const rejected = Object.fromEntries(
    Object.entries(contract.rejected).map(([name, schema]) => [
      name,
      (body: unknown) =>
        remember({ kind: 'rejected', name, body: validateBody(schema, body, `${owner}, rejected.${name}`) }),
    ]),
  ) as Reject<Rejections>
  return {
    ok: (body) => remember({ kind: 'ok', body: validateBody(contract.ok, body, `${owner}, ok`) }),
    rejected,
    checked: (returned) => {
      if (typeof returned === 'object' && returned !== null && made.has(returned))
        return returned as CommandOutcome
      throw new BackstitchError(
        'HANDLER_RESULT_INVALID',
        `${owner}: it returned a value of type ${typeof returned}`,
      )
    },
  }
}
