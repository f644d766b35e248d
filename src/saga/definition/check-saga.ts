import { BackstitchError } from '../../kernel/errors.ts'
import { quoted } from '../../message/storable-text.ts'
import { assertAggregateType, replyAggregateType } from '../../message/topic.ts'
import type { StepDraft } from './saga-draft.ts'

/**
 * Refuses a saga whose name, version, input or orchestrator cannot be used.
 * @throws `SAGA_DEFINITION_INVALID`
 */
export function assertSaga(
  name: string,
  options: {
    readonly version: number
    readonly input: unknown
    readonly key: unknown
    readonly orchestrator: string
  },
): void {
  const { version, key, orchestrator } = options
  const input = options.input as { readonly safeParse?: unknown } | undefined
  if (typeof name !== 'string' || !/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/.test(name))
    throw invalid(
      quoted(name),
      'the name of a saga has 1 to 200 letters, digits, dots, dashes or underscores, and begins with a letter or digit',
    )
  if (!Number.isInteger(version) || version < 1 || version > 1_000_000)
    throw invalid(name, `the version ${version} is no whole number from 1`)
  const owner = `${name} v${version}`
  if (typeof input?.safeParse !== 'function') throw invalid(owner, 'the input is no zod schema')
  if (typeof key !== 'function') throw invalid(owner, 'the key is no function of the input')
  try {
    assertAggregateType(replyAggregateType(orchestrator), owner)
  } catch (cause) {
    throw invalid(
      owner,
      `the orchestrator ${quoted(orchestrator)} gives no name of a topic for its replies`,
      cause,
    )
  }
}

/**
 * Refuses what the types of the builder refuse, for callers without types and for names that are not literals.
 * @throws `SAGA_DEFINITION_INVALID` naming the step
 */
export function assertSteps(owner: string, drafts: readonly StepDraft[]): void {
  if (drafts.length === 0) throw invalid(owner, 'it has no steps')
  const names = new Set<string>()
  let pivotBefore: string | undefined
  // Of each step, all that are behind it when it begins.
  const behind = new Map<string, ReadonlySet<string>>()
  for (const draft of drafts) {
    const { name, phase } = draft
    // A letter first: names are keys of plain objects, and `__proto__` is none.
    if (typeof name !== 'string' || !/^[a-zA-Z][a-zA-Z0-9_-]{0,99}$/.test(name))
      throw invalid(
        `${owner}, step ${quoted(name)}`,
        'the name of a step has 1 to 100 letters, digits, dashes or underscores, and begins with a letter',
      )
    const place = `${owner}, step ${name}`
    if (names.has(name)) throw invalid(place, 'there is a step of this name already')
    names.add(name)
    if (phase === 'retriable' && pivotBefore === undefined)
      throw invalid(place, 'a retriable step follows the pivot, and there is none before it')
    if (phase !== 'retriable' && pivotBefore !== undefined)
      throw invalid(place, `only retriable steps may follow the pivot ${pivotBefore}`)
    if (phase === 'pivot') pivotBefore = name
    behind.set(name, behindOf(place, draft, behind))
    assertStep(place, draft)
  }
  if (pivotBefore !== undefined) assertPivot(owner, pivotBefore, drafts, behind)
}

function behindOf(
  place: string,
  { after }: StepDraft,
  behind: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const all = new Set(after)
  for (const before of after) {
    const earlier = behind.get(before)
    if (earlier === undefined)
      throw invalid(place, `it waits for ${quoted(before)}, which is no step before it`)
    for (const name of earlier) all.add(name)
  }
  return all
}

/** Beside the pivot nothing runs: what could still be refused then could not be undone any more, and what cannot be undone would be done too early. */
function assertPivot(
  owner: string,
  pivot: string,
  drafts: readonly StepDraft[],
  behind: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (const { name, phase } of drafts) {
    const place = `${owner}, step ${name}`
    if (phase === 'compensatable' && !behind.get(pivot)?.has(name))
      throw invalid(place, `the pivot ${pivot} does not wait for it, and could not be undone with it`)
    if (phase === 'retriable' && !behind.get(name)?.has(pivot))
      throw invalid(place, `it does not wait for the pivot ${pivot}`)
  }
}

function assertStep(place: string, { phase, options }: StepDraft): void {
  assertSends(place, options)
  const refusals = Object.keys(options.send.rejected)
  if (phase === 'retriable' && refusals.length > 0)
    throw invalid(
      place,
      `${options.send.name} can be rejected (${refusals.join(', ')}): a retriable step cannot`,
    )
  if (options.when !== undefined && typeof options.when !== 'function')
    throw invalid(place, '`when` is no function')
  if (options.undo === undefined) return
  if (phase !== 'compensatable') throw invalid(place, `a ${phase} step cannot be undone`)
  assertSends(`${place}, undo`, options.undo)
  // Another one has no record of the step: its barrier would say that there is nothing to undo, and the saga would end as compensated.
  const { send: undo } = options.undo
  if (undo.service !== options.send.service)
    throw invalid(
      `${place}, undo`,
      `${undo.name} is a command of ${undo.service}: only ${options.send.service}, which carries the step out, can undo it`,
    )
}

function assertSends(
  place: string,
  options: { readonly send: unknown; readonly with: unknown } | undefined,
): void {
  const command = options?.send as { readonly kind?: unknown } | undefined
  if (command?.kind !== 'command') throw invalid(place, '`send` is no command contract')
  if (typeof options?.with !== 'function') throw invalid(place, '`with` is no function')
}

function invalid(place: string, what: string, cause?: unknown): BackstitchError {
  return new BackstitchError('SAGA_DEFINITION_INVALID', `${place}: ${what}`, { cause })
}
