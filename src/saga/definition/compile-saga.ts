import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { CommandContract } from '../../message/command.ts'
import { assertKey } from '../../message/contract.ts'
import { canonicalJson } from './canonical-json.ts'
import { assertSaga, assertSteps } from './check-saga.ts'
import type { CompiledStep, SagaDefinition } from './saga-definition.ts'
import type { SagaOptions, StepDraft } from './saga-draft.ts'
import type { GraphCommand, SagaGraph } from '../graph/saga-graph.ts'
import { compileTiming } from './step-timing.ts'

/**
 * Checks what a builder collected and makes the definition of it: the steps with their defaults filled in, the graph, and its hash
 * (SHA-256 of its canonical JSON).
 *
 * @throws `SAGA_DEFINITION_INVALID` naming the saga and the step
 */
export function compileSaga<Input extends z.ZodType>(
  name: string,
  options: SagaOptions<Input>,
  drafts: readonly StepDraft[],
): SagaDefinition<Input> {
  const { version, input, orchestrator = 'orchestrator' } = options
  const owner = `${name} v${version}`
  assertSaga(name, { ...options, orchestrator })
  assertSteps(owner, drafts)
  const steps = drafts.map((draft) => compileStep(owner, draft))
  const graph = graphOf(name, version, steps)
  return {
    name,
    version,
    orchestrator,
    input,
    key: (validated) => businessKey(options, validated, owner),
    steps,
    graph,
    hash: createHash('sha256').update(canonicalJson(graph)).digest('hex'),
  }
}

function businessKey<Input extends z.ZodType>(
  options: SagaOptions<Input>,
  input: z.output<Input>,
  owner: string,
): string {
  let key: unknown
  try {
    key = options.key(input)
  } catch (cause) {
    throw new BackstitchError('MESSAGE_INVALID', `${owner}: the key: ${reasonOf(cause)}`, { cause })
  }
  return assertKey(key, owner)
}

function compileStep(owner: string, { name, phase, after, options }: StepDraft): CompiledStep {
  const { undo } = options
  return {
    name,
    phase,
    after,
    command: options.send,
    ...(options.when && { when: options.when }),
    with: options.with,
    ...(undo && {
      undo: {
        command: undo.send,
        with: undo.with,
        ...compileTiming('undo', undo, `${owner}, undo of ${name}`),
      },
    }),
    ...compileTiming(phase, options, `${owner}, step ${name}`),
  }
}

function graphOf(name: string, version: number, steps: readonly CompiledStep[]): SagaGraph {
  return {
    name,
    version,
    nodes: steps.map((step) => ({
      step: step.name,
      phase: step.phase,
      after: step.after,
      ...(step.when && { conditional: true as const }),
      send: graphCommand(step.command),
      ...(step.undo && { undo: graphCommand(step.undo.command) }),
      timeoutMs: step.timeoutMs,
      attemptsMax: step.retry.attemptsMax,
    })),
  }
}

function graphCommand({ name, version, hash }: CommandContract): GraphCommand {
  return { name, version, hash }
}
