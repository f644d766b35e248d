import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { TimerPoll } from '../../timer/timer-poller.ts'
import { sagaWriter } from '../transition/saga-writer.ts'
import { foldTimers } from './fold-timers.ts'
import { reportParked } from './report-fold.ts'
import type { SagaWork } from './saga-work.ts'
import { writeOutcome } from '../transition/write-outcome.ts'
import { writeFailureOf } from './write-failure.ts'

/** Sagas whose timers are fired in one transaction. */
const sagasMax = 200

/** When to look again at the timers of a saga that cannot even be parked. */
const postponedMs = 30_000

/** A saga whose timer could not be applied. */
type Suspect = { readonly sagaId: string; readonly failure: BackstitchError }

/**
 * Makes the function that fires due timers: sagas with due timers are locked first, then their timers are taken out, then the machine runs.
 * A reply that settles a leg holds the saga’s row, so its timer is passed over and is gone when the row is free.
 *
 * What the database refuses is tried again saga by saga; the one that it is about is parked. Where even that is refused its timers are set
 * back, so that those of the others are fired. What takes too long is tried again with half as many sagas, and more again once it works.
 */
export function timerDesk(work: SagaWork): () => Promise<TimerPoll> {
  const { store, transactions, registry, machine, encoding, signals, logger } = work

  const fire = async (
    limit: number,
    seen: (sagaId: string) => void,
    suspect?: Suspect,
  ): Promise<TimerPoll> => {
    const writer = sagaWriter(encoding)
    const { poll, parked } = await transactions.run(async ({ tx }) => {
      const { timers, instances } = await store.takeDueTimers(tx, registry.names, limit)
      if (timers.length === 0) {
        const untilNextMs = await store.untilNextTimerMs(tx, registry.names)
        return { poll: { fired: 0, untilNextMs }, parked: [] }
      }
      for (const { saga_id } of timers) seen(saga_id)
      const failWith = suspect && instances.has(suspect.sagaId) ? suspect.failure : undefined
      const parked = foldTimers(timers, instances, {
        registry,
        machine,
        writer,
        ...(failWith && { failWith }),
      })
      await writeOutcome(store, tx, writer)
      await signals.reach('orchestrator.timers.before')
      return { poll: { fired: timers.length, untilNextMs: undefined }, parked }
    })
    if (poll.fired === 0) return poll
    await signals.reach('orchestrator.timers.after')
    work.committed(writer)
    reportParked(logger, parked)
    return poll
  }

  const fireOne = async (): Promise<TimerPoll> => {
    let sagaId = ''
    const seen = (id: string): void => void (sagaId = id)
    try {
      return await fire(1, seen)
    } catch (thrown) {
      if (writeFailureOf(store, thrown) !== 'refused') throw thrown
      const place = `a timer of saga ${sagaId}: ${reasonOf(thrown)}`
      const failure = new BackstitchError('SAGA_MESSAGE_FAILED', place, { cause: thrown })
      return parkOne({ sagaId, failure }, seen, () => sagaId)
    }
  }

  const parkOne = async (
    suspect: Suspect,
    seen: (sagaId: string) => void,
    lastSeen: () => string,
  ): Promise<TimerPoll> => {
    try {
      return await fire(1, seen, suspect)
    } catch (thrown) {
      // Another process may hold the suspect by now: then it was another saga’s turn.
      if (writeFailureOf(store, thrown) !== 'refused' || lastSeen() !== suspect.sagaId) throw thrown
      const { sagaId } = suspect
      await transactions.run(({ tx }) => store.postponeTimers(tx, sagaId, postponedMs))
      logger.error(
        { sagaId, reason: reasonOf(thrown), againAfterMs: postponedMs },
        'a saga whose timer fails cannot be parked either; its timers are set back',
      )
      return { fired: 1, untilNextMs: undefined }
    }
  }

  let limit = sagasMax
  return async () => {
    for (;;) {
      try {
        const poll = await (limit > 1 ? fire(limit, () => undefined) : fireOne())
        limit = Math.min(sagasMax, limit * 2)
        return poll
      } catch (thrown) {
        const failure = writeFailureOf(store, thrown)
        if (limit === 1 || (failure !== 'refused' && failure !== 'too-much')) throw thrown
        limit = failure === 'refused' ? 1 : limit >> 1
      }
    }
  }
}
