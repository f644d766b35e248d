import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'
import type { ExploredWorld } from './explored-world.ts'

/**
 * Says which promise a world breaks, if it does.
 *
 * @param hasMoves whether anything may still happen
 */
export function brokenRule(
  definition: SagaDefinition,
  world: ExploredWorld,
  hasMoves: boolean,
): string | undefined {
  const { saga, broken } = world
  if (broken !== undefined) return broken
  if (saga.status === 'parked') return parkedInVain(definition, world)
  if (hasMoves) return undefined
  if (saga.status === 'completed') return notAllDone(definition, world)
  if (saga.status === 'compensated') return notAllUndone(definition, world)
  return `the saga is ${saga.status}, and nothing will ever move it again`
}

/** A saga may wait for an operator only where nobody else can know what to do. */
function parkedInVain(definition: SagaDefinition, { saga }: ExploredWorld): string | undefined {
  const [first] = saga.stopped
  if (first === undefined) return `the saga is parked, and no step has stopped: ${saga.reason ?? ''}`
  for (const { step, direction, reason } of saga.stopped) {
    const leg = saga.steps[step]?.[direction]
    const phase = definition.steps.find(({ name }) => name === step)?.phase
    const isUnanswered = leg?.status === 'unknown' && (direction === 'undo' || phase !== 'compensatable')
    const isRefused = leg?.status === 'rejected' && (direction === 'undo' || phase === 'retriable')
    if (!isUnanswered && !isRefused) return `the saga is parked without need: ${reason}`
  }
  return undefined
}

function notAllDone(definition: SagaDefinition, { saga, effects }: ExploredWorld): string | undefined {
  for (const { name } of definition.steps) {
    const status = saga.steps[name]?.do.status
    const { done, undone } = effects[name] ?? { done: 0, undone: 0 }
    if (status === 'skipped') continue
    const wanted = status === 'passed' ? 0 : 1
    if (done - undone !== wanted)
      return `the saga is completed, and the effect of ${name} stands ${done - undone} times instead of ${wanted}`
  }
  return undefined
}

function notAllUndone(definition: SagaDefinition, { saga, effects }: ExploredWorld): string | undefined {
  for (const { name, phase, undo } of definition.steps) {
    const { done, undone } = effects[name] ?? { done: 0, undone: 0 }
    const entry = saga.steps[name]
    if (entry?.undo?.status === 'skipped' || entry?.do.status === 'skipped') continue
    // Without an undo a compensatable step has no effect to take back.
    if (done > undone && (undo !== undefined || phase !== 'compensatable'))
      return `the saga is compensated, and the effect of ${name} stands`
  }
  return undefined
}
