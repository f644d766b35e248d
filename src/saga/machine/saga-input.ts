/** Names one leg and one attempt of it. */
export type LegAddress = {
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
}

type ActOf = { readonly reason: string; readonly actor: string }

/** What an operator may do with what has stopped: send it again, or pass over it and vouch for it. */
export type OperatorInput = ActOf & {
  readonly kind: 'retry' | 'skip'
  /** The step that is meant, where several have stopped. Default: all of them for a retry, the only one for a skip. */
  readonly step?: string
}

/** An operator gives the result of a step that has stopped. */
export type SubstituteInput = ActOf & {
  readonly kind: 'substitute'
  readonly result: unknown
  readonly step?: string
}

/** An operator turns a saga round, holds it, or lets it go on. */
export type CourseInput = ActOf & { readonly kind: 'cancel' | 'compensate' | 'hold' | 'resume' }

/** An operator ends a saga by hand. */
export type ResolveInput = ActOf & { readonly kind: 'resolve'; readonly as: 'completed' | 'compensated' }

/** What an operator may do with a saga. */
export type DeskInput = OperatorInput | SubstituteInput | CourseInput | ResolveInput

/** An answer of a participant. */
export type ReplyInput = {
  readonly kind: 'reply'
  /** `ok` or `rejected.<name>` */
  readonly outcome: string
  /** Not validated yet: the machine validates it with the step’s contract. */
  readonly body: unknown
} & LegAddress

/** A timer that fired. */
export type TimerInput = { readonly kind: 'timer' } & LegAddress

/** What moves a saga. */
export type SagaInput = ReplyInput | TimerInput | DeskInput
