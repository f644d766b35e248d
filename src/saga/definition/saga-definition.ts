import type { z } from 'zod'
import type { CommandContract } from '../../message/command.ts'
import type { BackoffPolicy } from '../../kernel/backoff.ts'
import type { SagaGraph } from '../graph/saga-graph.ts'

/**
 * How often a command is sent again while its outcome is unknown, with the same request, and how long to wait for each answer.
 * All attempts share one effect at the participant.
 */
export type RetryPolicy = {
  /** Sends in all, the first included. An operator’s `retry` grants as many again. */
  readonly attemptsMax: number
  /** What is added to the step’s timeout while the second and each later attempt waits for its answer. */
  readonly backoff: BackoffPolicy
}

/** What a mapper sees: the saga’s input and the results of the steps before, by name. Mappers are pure. */
export type StepContext = { readonly input: unknown; readonly done: Readonly<Record<string, unknown>> }

/** What the mapper of an undo sees. `result` is absent where the outcome of the step is unknown: it may or may not have happened. */
export type UndoContext = { readonly input: unknown; readonly request: unknown; readonly result?: unknown }

/** A step as the engine runs it. */
export type CompiledStep = {
  readonly name: string
  /** Compensatable steps come first, then at most one pivot, then retriable steps, which cannot be refused. */
  readonly phase: 'compensatable' | 'pivot' | 'retriable'
  /** The steps that must be behind it before it begins; empty for the first ones. */
  readonly after: readonly string[]
  readonly command: CommandContract
  /** Whether it is done at all. */
  readonly when?: (context: StepContext) => boolean
  readonly with: (context: StepContext) => unknown
  readonly undo?: {
    readonly command: CommandContract
    readonly with: (context: UndoContext) => unknown
    readonly timeoutMs: number
    readonly retry: RetryPolicy
  }
  readonly timeoutMs: number
  readonly retry: RetryPolicy
}

/** A definition as the engine runs it: the graph is data, only the mappers are code. Made by {@link file://./saga-builder.ts}. */
export type SagaDefinition<Input extends z.ZodType = z.ZodType> = {
  readonly name: string
  readonly version: number
  /** The orchestrator that drives it, which names the topic of the replies: `<orchestrator>.reply`. Default `orchestrator`. */
  readonly orchestrator: string
  readonly input: Input
  /**
   * The business key of a validated input: a second start with the same key starts nothing.
   * A method, so that a list of definitions of different inputs is one type.
   *
   * @throws `MESSAGE_INVALID` when the definition’s own function throws or gives no usable key
   */
  key(input: z.output<Input>): string
  /** Each stands after those that it waits for. */
  readonly steps: readonly CompiledStep[]
  readonly graph: SagaGraph
  /** Fingerprint of the graph, kept with each instance. */
  readonly hash: string
}
