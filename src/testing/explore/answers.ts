import type { z } from 'zod'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { CommandContract } from '../../message/command.ts'
import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'
import type { Answers } from './explored-world.ts'
import { sampleBody } from './sample-body.ts'

/** Bodies of the answers to a step, and to its undo: what is left out is made up. */
export type StepSamples = {
  readonly ok?: unknown
  readonly rejected?: Readonly<Record<string, unknown>>
  readonly undo?: Omit<StepSamples, 'undo'>
}

/**
 * What participants may answer: ok, and each rejection of the contract.
 *
 * @throws `CONFIG_INVALID` for a sample that does not fit, or that cannot be made up
 */
export function answersOf(
  definition: SagaDefinition,
  samples: Readonly<Record<string, StepSamples>>,
): Answers {
  const byLeg = new Map<string, ReadonlyMap<string, unknown>>()
  for (const { name, command, undo } of definition.steps) {
    const own = samples[name] ?? {}
    byLeg.set(`do ${name}`, bodiesOf(command, own, `samples.${name}`))
    if (undo) byLeg.set(`undo ${name}`, bodiesOf(undo.command, own.undo ?? {}, `samples.${name}.undo`))
  }
  return (step, direction) => byLeg.get(`${direction} ${step}`) ?? new Map()
}

function bodiesOf(
  { ok, rejected }: CommandContract,
  samples: Omit<StepSamples, 'undo'>,
  place: string,
): ReadonlyMap<string, unknown> {
  const bodies = new Map([['ok', bodyOf(ok, samples.ok, `${place}.ok`)]])
  for (const [name, schema] of Object.entries(rejected))
    bodies.set(`rejected.${name}`, bodyOf(schema, samples.rejected?.[name], `${place}.rejected.${name}`))
  return bodies
}

function bodyOf(schema: z.ZodType, sample: unknown, place: string): unknown {
  if (sample === undefined) return sampleBody(schema, place)
  try {
    schema.parse(sample)
    return sample
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `${place}: ${reasonOf(cause)}`, { cause })
  }
}
