/** `warn`: it works, and may not for long or not as you think. `wrong`: a promise is broken, or a process cannot work. */
type Verdict = 'ok' | 'warn' | 'wrong'

/** What one check came to. */
export type Finding = {
  /** A database by its name, `kafka`, or a topic. */
  readonly subject: string
  /** The check’s own name, which does not change: `durability`. */
  readonly check: string
  readonly verdict: Verdict
  /** What was found, in a few words. */
  readonly found: string
  /** What it means, unless all is well. */
  readonly meaning?: string
  /** What to do about it. */
  readonly fix?: string
}

/** A finding before it is known of what. */
export type Judgement = Omit<Finding, 'subject'>

/** All is well. */
export function ok(check: string, found: string): Judgement {
  return { check, verdict: 'ok', found }
}

/** It works, and may not for long or not as you think. */
export function warn(check: string, found: string, meaning: string, fix: string): Judgement {
  return { check, verdict: 'warn', found, meaning, fix }
}

/** A promise is broken, or a process cannot work. */
export function wrong(check: string, found: string, meaning: string, fix: string): Judgement {
  return { check, verdict: 'wrong', found, meaning, fix }
}

/** A few of many, for a line of text. */
export function some(names: readonly string[], most = 3): string {
  const more = names.length - most
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
