import type { z } from 'zod'
import type { Duration } from '../../kernel/duration.ts'
import type { CommandContract } from '../../message/command.ts'
import type { CompiledStep, StepContext, UndoContext } from './saga-definition.ts'
import type { StepRetry } from './step-options.ts'

/** What is said of a saga before its steps. */
export type SagaOptions<Input extends z.ZodType> = {
  /** Raise it with each change that running sagas could notice. They keep the version they were started with. */
  readonly version: number
  /** The schema of what a start takes. It describes JSON: what it returns must be what JSON can hold. */
  readonly input: Input
  /** The business key, such as the order’s id: a second start with the same key starts nothing. */
  readonly key: (input: z.output<Input>) => string
  /** The orchestrator that drives it: its replies come to `<orchestrator>.reply`. Default `orchestrator`. */
  readonly orchestrator?: string
}

/** A step as the builder collected it, its types forgotten: not checked yet. */
export type StepDraft = {
  readonly name: string
  readonly phase: CompiledStep['phase']
  /** The steps that must be behind it. */
  readonly after: readonly string[]
  readonly options: {
    readonly send: CommandContract
    readonly when?: (context: StepContext) => boolean
    readonly with: (context: StepContext) => unknown
    readonly undo?: {
      readonly send: CommandContract
      readonly with: (context: UndoContext) => unknown
      readonly timeout?: Duration
      readonly retry?: StepRetry
    }
    readonly timeout?: Duration
    readonly retry?: StepRetry
  }
}
