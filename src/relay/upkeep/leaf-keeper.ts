import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { RelayInstruments } from '../telemetry/relay-metrics.ts'
import { type LeafStep, nextLeafStep } from './leaf-plan-machine.ts'
import type { LeafLayout, LeafSession } from './leaf-session.ts'
import { Retries } from './retries.ts'

/** How often the leaves are looked at while rows come; slowing down while none do. */
const lookEveryMs = 1_000
const lookEveryMsMax = 3_000
/** How often tables of kept rows, and notes of settled ones, are looked at. */
const keptEveryMs = 30_000
/** While a backlog is published, a large default partition is left as it is for so long. */
const patienceMs = 600_000
/** Steps of one round: with more to do than that, something is wrong. */
const stepsMax = 8

/** What a keeper needs. */
export type LeafKeeperOptions = {
  /** Opens its session. @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, `DATABASE_FAILING` */
  readonly open: () => Promise<LeafSession>
  /** How long published rows are kept; 0 for not at all. */
  readonly keepPublishedMs: number
  readonly clock: Clock
  readonly signals: TestSignals
  readonly logger: Logger
  readonly instruments: Pick<RelayInstruments, 'size' | 'defaultSize'>
}

/** How the leaves of an outbox are, as far as is known. */
export type LeafStatus = {
  /** Leaves that there are, without the default partition. */
  readonly count: number
  /** Whether rows are in the default partition: for a long time no relay has made leaves. */
  readonly isDefaultInUse: boolean
}

/**
 * Keeps the leaves of one outbox: makes them ahead of the sequence, empties those that it has left behind and that are published, and takes
 * empty ones away. It works beside delivery, on a connection of its own, so also while Kafka is down; and on every relay, whether it owns
 * the outbox or stands by, for all that it does is decided by the database anew. Nothing waits for a lock for longer than some milliseconds.
 */
export class LeafKeeper {
  readonly #options: LeafKeeperOptions
  readonly #retries: Retries
  readonly #stop = new AbortController()
  #work: Promise<void> = Promise.resolve()
  #session: LeafSession | undefined
  #layout: LeafLayout | undefined
  #trouble: string | undefined
  #pauseMs = lookEveryMs
  #keptAtMs = -keptEveryMs
  #settledAtMs = -keptEveryMs
  #restSinceMs: number | undefined

  constructor(options: LeafKeeperOptions) {
    this.#options = options
    this.#retries = new Retries(options.logger)
  }

  get status(): LeafStatus {
    return { count: this.#layout?.leaves.length ?? 0, isDefaultInUse: this.#restSinceMs !== undefined }
  }

  start(): void {
    this.#work = this.#run()
  }

  /** Lets go at once: whatever is under way is one statement, which ends well or not at all. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#session?.close()
    await this.#work
  }

  async #run(): Promise<void> {
    const { open, clock, logger } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#session ??= await open()
        if (!signal.aborted) await this.#round(this.#session)
        this.#trouble = undefined
      } catch (error) {
        this.#session?.close()
        this.#session = undefined
        const reason = reasonOf(error)
        if (!signal.aborted && reason !== this.#trouble)
          logger.warn(
            { code: isBackstitchError(error) ? error.code : undefined, reason },
            'the leaves of the outbox cannot be kept just now',
          )
        this.#trouble = reason
        this.#pauseMs = lookEveryMsMax
      }
      await clock.pause(this.#pauseMs, signal)
    }
    this.#session?.close()
  }

  async #round(session: LeafSession): Promise<void> {
    const before = this.#layout
    let layout = await this.#look(session)
    if (layout.inRecovery) return
    this.#pauseMs = before?.last === layout.last ? Math.min(lookEveryMsMax, this.#pauseMs * 1.5) : lookEveryMs
    for (let steps = 0; steps < stepsMax; steps++) {
      const isPatient = performance.now() < (this.#restSinceMs ?? performance.now()) + patienceMs
      const step = nextLeafStep(layout, isPatient)
      if (!step || !(await this.#step(session, step))) break
      layout = await this.#look(session)
    }
    let isAnyEmptied = false
    for (const { name, isPublished, isAged } of [...layout.leaves, ...(layout.rest ? [layout.rest] : [])])
      if (isPublished && isAged && (await this.#empty(session, name))) isAnyEmptied = true
    if (isAnyEmptied) layout = await this.#look(session)
    await this.#remove(session, layout)
    await this.#dropKept(session, layout)
    await this.#forgetSettled(session)
  }

  async #look(session: LeafSession): Promise<LeafLayout> {
    const { logger, instruments } = this.#options
    const layout = await session.look()
    this.#layout = layout
    const restBytes = layout.rest?.bytes ?? 0
    instruments.defaultSize.set(restBytes)
    instruments.size.set(layout.leaves.reduce((sum, { bytes }) => sum + bytes, restBytes))
    const isInUse = restBytes > 0
    if (isInUse && this.#restSinceMs === undefined) {
      this.#restSinceMs = performance.now()
      logger.warn(
        { code: 'OUTBOX_DEFAULT_IN_USE', bytes: restBytes },
        'rows are in the default partition of the outbox: no leaf was there for them',
      )
    } else if (!isInUse && this.#restSinceMs !== undefined) {
      this.#restSinceMs = undefined
      logger.info({}, 'the default partition of the outbox is empty again')
    }
    return layout
  }

  async #step(session: LeafSession, step: LeafStep): Promise<boolean> {
    const { signals, logger } = this.#options
    return this.#retries.attempt(step.kind, 'the next leaf of the outbox is not there yet', async () => {
      await signals.reach('relay.leaf.before')
      const isDone = await take(session, step)
      await signals.reach('relay.leaf.after')
      if (isDone && step.kind === 'add')
        logger.info({ from: String(step.from), to: String(step.to) }, 'a leaf of the outbox was added')
      if (isDone && step.kind === 'skip to leaf')
        logger.info({}, 'the sequence of the outbox goes on at its next leaf')
      return isDone
    })
  }

  async #empty(session: LeafSession, leaf: string): Promise<boolean> {
    const { signals, logger } = this.#options
    return this.#retries.attempt(leaf, `the published leaf ${leaf} is not emptied yet`, async () => {
      await signals.reach('relay.empty.before')
      const isDone = await session.empty(leaf)
      await signals.reach('relay.empty.after')
      if (isDone) logger.info({ leaf }, 'a published leaf of the outbox was emptied')
      return isDone
    })
  }

  async #remove(session: LeafSession, { leaves, last }: LeafLayout): Promise<void> {
    const { keepPublishedMs, signals, logger } = this.#options
    const isAny = leaves.some(
      ({ to, bytes, isPublished }) =>
        to <= last + 1n && (bytes === 0 || (keepPublishedMs > 0 && isPublished === true)),
    )
    if (!isAny) return
    await this.#retries.attempt('remove', 'leaves of the outbox are not removed yet', async () => {
      await signals.reach('relay.remove.before')
      const removed = await session.remove()
      await signals.reach('relay.remove.after')
      if (removed?.length) logger.info({ leaves: removed }, 'leaves of the outbox were removed')
      return removed !== undefined
    })
  }

  async #dropKept(session: LeafSession, { kept }: LeafLayout): Promise<void> {
    if (kept === 0 || performance.now() < this.#keptAtMs + keptEveryMs) return
    this.#keptAtMs = performance.now()
    const dropped = await session.dropKept()
    if (!dropped?.length) return
    // a few at a time: there may be more
    this.#keptAtMs = -keptEveryMs
    this.#options.logger.info({ tables: dropped }, 'rows that were kept for long enough were dropped')
  }

  async #forgetSettled(session: LeafSession): Promise<void> {
    if (performance.now() < this.#settledAtMs + keptEveryMs) return
    // a few thousand at a time: there may be more
    this.#settledAtMs = (await session.forgetSettled()) > 0 ? -keptEveryMs : performance.now()
  }
}

function take(session: LeafSession, step: LeafStep): Promise<boolean> {
  switch (step.kind) {
    case 'add':
      return session.add(step.from, step.to)
    case 'open gap':
      return session.openGap(step.from, step.to)
    case 'validate gap':
      return session.validateGap()
    case 'close gap':
      return session.closeGap()
    case 'skip to leaf':
      return session.skipToLeaf()
    default:
      return step satisfies never
  }
}
