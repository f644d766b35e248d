import { type BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ReceivedBatch, Subscriber } from '../../transport/subscriber.ts'
import type { InboxUpkeep } from './inbox-upkeep.ts'

const retryAfterMs = 1_000

/**
 * A subscriber whose member enrols its group each time that it has joined, before it hands over its first batch: only then is it sure that nobody
 * changes the group’s generation any more, for that is refused while the group has members. While it runs, the inbox is kept.
 *
 * @param options.enrol throws while the database cannot be reached; the batches are then handed over later
 */
export function enrolledSubscriber(
  subscriber: Subscriber,
  options: { readonly enrol: () => Promise<void>; readonly upkeep: InboxUpkeep; readonly logger: Logger },
): Subscriber {
  const { enrol, upkeep, logger } = options
  /** By the signal of the tenure. */
  const enrolments = new WeakMap<AbortSignal, Promise<BackstitchError | undefined>>()

  const isEnrolled = async ({ signal, topic, partition }: ReceivedBatch): Promise<boolean> => {
    let enrolment = enrolments.get(signal)
    if (enrolment === undefined) {
      enrolment = enrol().then(
        () => undefined,
        (thrown: unknown) => {
          enrolments.delete(signal)
          const code = isBackstitchError(thrown) ? thrown.code : undefined
          logger.warn(
            { topic, partition, code, reason: reasonOf(thrown) },
            'the group could not be enrolled; what was read waits',
          )
          return thrown as BackstitchError
        },
      )
      enrolments.set(signal, enrolment)
    }
    return (await enrolment) === undefined
  }

  return {
    run: async (handler) => {
      await subscriber.run({
        onBatch: async (batch) => {
          if (await isEnrolled(batch)) return handler.onBatch(batch)
          const nextOffset = batch.records[0]?.offset ?? batch.highWatermark
          return { kind: 'retryAfter', retryAfterMs, nextOffset }
        },
        settle: async () => handler.settle?.(),
      })
      upkeep.start()
    },
    stop: async (stopOptions) => {
      await Promise.all([upkeep.stop(), subscriber.stop(stopOptions)])
    },
    assignment: () => subscriber.assignment(),
  }
}
