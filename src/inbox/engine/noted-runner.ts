import type { AttemptUnit } from '../attempts/attempt-machine.ts'
import type { PartitionAttempts, SoloStart } from '../attempts/partition-attempts.ts'
import type { SoloTurns } from '../attempts/solo-turns.ts'
import { isUuid } from '../../kernel/ids.ts'
import { headerText } from '../formats/wire-text.ts'
import { recordId } from '../record-id.ts'
import type { Entry } from './lane.ts'
import type { PartitionTenure } from './partition-tenure.ts'
import { newTrouble } from './trouble.ts'
import type { UnitOutcome, UnitRunner } from './unit-runner.ts'

/** Runs units after it was noted that they begin, so that a message that ends its process is found out. Never rejects. */
export type NotedRunner<Target> = {
  /** A unit like any other. */
  together(tenure: PartitionTenure<Target>, unit: readonly Entry<Target>[]): Promise<UnitOutcome>
  /** A record that may be what ended a process; nothing else of the member is in hand. */
  solo(tenure: PartitionTenure<Target>, entry: Entry<Target>): Promise<UnitOutcome>
}

const left: UnitOutcome = { kind: 'left' }

/** Makes a {@link NotedRunner}. @param turns of the process; without them nothing is noted */
export function notedRunner<Target>(
  runner: UnitRunner<Target>,
  turns: SoloTurns | undefined,
): NotedRunner<Target> {
  const soloWith = async (
    tenure: PartitionTenure<Target>,
    entry: Entry<Target>,
    attempts: PartitionAttempts,
  ): Promise<UnitOutcome> => {
    const { offset } = entry.record
    let outcome: UnitOutcome = left
    try {
      const start = await attempts.beginAlone(offset)
      if (start.kind === 'later')
        outcome = { kind: 'held', retryAfterMs: start.afterMs, isWaiting: false, thrown: undefined }
      else if (!tenure.isWindingDown) {
        if (start.kind === 'given up') giveUp(entry, start)
        tenure.machine.read(entry)
        outcome = await runner([entry])
      }
    } catch (thrown) {
      outcome = { kind: 'waits', thrown }
    }
    attempts.endAlone(offset, outcome.kind === 'done')
    return outcome
  }

  return {
    together: async (tenure, unit) => {
      const { attempts } = tenure
      const [first] = unit
      const last = unit.at(-1)
      if (attempts === undefined || first === undefined || last === undefined) return runner(unit)
      const span: AttemptUnit = { first: first.record.offset, last: last.record.offset, count: unit.length }
      try {
        const noted = attempts.begin(span)
        if (noted === undefined) return await runner(unit)
        await noted
        return tenure.isWindingDown ? left : await runner(unit)
      } catch (thrown) {
        return { kind: 'waits', thrown }
      } finally {
        attempts.end(span)
      }
    },
    solo: async (tenure, entry) => {
      if (tenure.attempts === undefined || turns === undefined) return runner([entry])
      const release = await turns.take()
      try {
        return tenure.isWindingDown ? left : await soloWith(tenure, entry, tenure.attempts)
      } finally {
        release()
      }
    },
  }
}

/** It goes to the dead letters instead of its handler: under its id, or the one in its headers where it must not be read any more. */
function giveUp<Target>(
  entry: Entry<Target>,
  { reason, deaths, mayRead }: SoloStart & { kind: 'given up' },
): void {
  const { record } = entry
  const trouble = (entry.trouble ??= newTrouble())
  trouble.burial = { thrown: reason, attempts: deaths }
  if (mayRead) return
  const [id, type] = [headerText(record, 'id'), headerText(record, 'type')]
  entry.reading = {
    kind: 'unreadable',
    id: id !== undefined && isUuid(id) ? id.toLowerCase() : recordId(record),
    ...(type !== undefined && { type }),
    error: reason,
  }
}
