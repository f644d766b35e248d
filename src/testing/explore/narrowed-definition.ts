import { isDeepStrictEqual } from 'node:util'
import { BackstitchError } from '../../kernel/errors.ts'
import type { CompiledStep, RetryPolicy, SagaDefinition } from '../../saga/definition/saga-definition.ts'

/**
 * The definition with few attempts, so that its paths can be enumerated: one attempt that is lost shows what many would. Its mappers and conditions are
 * called twice, with inputs that nobody can change: what is not pure throws.
 */
export function narrowedDefinition(definition: SagaDefinition, attemptsMax: number): SagaDefinition {
  const narrowed = ({ retry, ...rest }: CompiledStep): CompiledStep => ({
    ...rest,
    retry: fewer(retry, attemptsMax),
    with: pure(`the mapper of ${rest.name}`, rest.with),
    ...(rest.when && { when: pure(`the condition of ${rest.name}`, rest.when) }),
    ...(rest.undo && {
      undo: {
        ...rest.undo,
        retry: fewer(rest.undo.retry, attemptsMax),
        with: pure(`the mapper of the undo of ${rest.name}`, rest.undo.with),
      },
    }),
  })
  return { ...definition, steps: definition.steps.map(narrowed) }
}

function fewer(retry: RetryPolicy, attemptsMax: number): RetryPolicy {
  return { ...retry, attemptsMax: Math.min(retry.attemptsMax, attemptsMax) }
}

function pure<Context, Result>(
  what: string,
  map: (context: Context) => Result,
): (context: Context) => Result {
  return (context) => {
    const frozen = deepFrozen(context)
    const result = map(frozen)
    if (!isDeepStrictEqual(result, map(frozen)))
      throw new BackstitchError(
        'SAGA_DEFINITION_INVALID',
        `${what} is not pure: called twice it gives two results`,
      )
    return result
  }
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const held of Object.values(value)) deepFrozen(held)
  return Object.freeze(value)
}
