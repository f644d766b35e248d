import { BenchProcess } from '../bench-process.ts'

/** What a consumer does with its messages: an effect for many at once, one by one, or nothing but wait. */
export type ConsumerMode = 'batch' | 'one' | 'slow'

/** What a consumer is to read. */
export type ConsumerTask = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly group: string
  readonly mode: ConsumerMode
  /** Once it has had so many, it says how long that took. */
  readonly messages: number
}

/** What a consumer says when it is done, all of it since its first message. */
export type ConsumerReport = {
  readonly seconds: number
  readonly cpuMicros: number
  readonly peakMb: number
}

/** One of those that are compared. */
export type ConsumingSide = {
  readonly name: string
  /** Starts the process, which waits for the word. */
  ready(task: ConsumerTask): Promise<BenchProcess>
}

/** A side that is a script in `bench/processes/`: it says `ready`, begins when it is told to, says `started`, and later its report. */
export function consumingSide(name: string, script: string, more: object = {}): ConsumingSide {
  return {
    name,
    ready: async (task) => {
      const consumer = new BenchProcess(script, { ...task, ...more })
      await consumer.message()
      return consumer
    },
  }
}

/** Lets a consumer work until its report comes, and stops it. @throws Error when it comes too late */
export async function reportOf(
  side: ConsumingSide,
  task: ConsumerTask,
  withinMs: number = 600_000,
): Promise<ConsumerReport> {
  const consumer = await side.ready(task)
  try {
    consumer.send('begin')
    await consumer.message()
    return await consumer.message<ConsumerReport>(withinMs)
  } finally {
    await consumer.stop()
  }
}
