/** Names one leg and one attempt of it. */
export type LegAddress = {
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
}

/** What moves a saga. */
export type SagaInput =
  | ({
      readonly kind: 'reply'
      /** `ok` or `rejected.<name>` */
      readonly outcome: string
      /** Not validated yet: the machine validates it with the step’s contract. */
      readonly body: unknown
    } & LegAddress)
  | ({ readonly kind: 'timer' } & LegAddress)
  | { readonly kind: 'retry' | 'skip'; readonly reason: string; readonly actor: string }
