/** Names one leg and one attempt of it. */
export type LegAddress = {
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
}

/** What an operator may do with a parked saga: send the leg again, or pass over it and vouch for it. */
export type OperatorInput = {
  readonly kind: 'retry' | 'skip'
  /** The step that is meant, where several have stopped. Default: all of them for a retry, the only one for a skip. */
  readonly step?: string
  readonly reason: string
  readonly actor: string
}

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
export type SagaInput = ReplyInput | TimerInput | OperatorInput
