import { writeSync } from 'node:fs'
import { createConsumer, on } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { Pool } from 'pg'
import { pino } from 'pino'
import { type Poison, type RingerSettings, Rung } from '../bell.ts'

/** A member of a group in a process of its own, whose handler does what poisoned messages want. It ends with its parent. */
const settings = JSON.parse(process.argv[2] ?? '') as RingerSettings
const { url, brokers, topicPrefix, group, isFixed, handlingMs = 0 } = settings
const logger = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }))
process.stdin.on('end', () => process.exit(1)).resume()

const kept: string[][] = []
async function poisoned(poison: Poison, attempt: number): Promise<void> {
  switch (poison) {
    case 'throws':
      throw new Error('it is rotten')
    case 'throws at first':
      if (attempt < 3) throw new Error('not yet')
      return
    case 'hangs':
      return new Promise(() => undefined)
    case 'exhausts memory':
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, n) => `${n} bells`))
    case 'exits':
      return process.exit(3)
    case 'blocks':
      for (;;) kept.length = 0
  }
}

const database = new Pool({ connectionString: url, max: 4 })
const consumer = createConsumer({
  database,
  transport: kafkajs({ brokers, logger }),
  topicPrefix,
  group,
  logger,
  sessionTimeoutMs: 1_500,
  handlerTimeoutMs: 1_500,
  blockedMsMax: 2_000,
  retry: { attemptsMax: 4, backoff: { initialMs: 50, maxMs: 200, factor: 2 } },
  handlers: [
    on(Rung, async ({ body: { tower, n, poison } }, { tx, attempt }) => {
      // written at once: a process that is about to die has no later
      writeSync(1, `${JSON.stringify({ tower, n, attempt })}\n`)
      await tx.query('insert into rung (tower, n) values ($1, $2)', [tower, n])
      if (poison !== undefined && !isFixed) await poisoned(poison, attempt)
      if (handlingMs > 0) await new Promise((resolve) => setTimeout(resolve, handlingMs))
    }),
  ],
})
process.once('SIGTERM', () => {
  void consumer
    .stop()
    .then(() => database.end())
    .then(() => process.exit(0))
})
await consumer.start()
