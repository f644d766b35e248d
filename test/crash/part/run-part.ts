import { writeSync } from 'node:fs'
import type { KafkaTransport, Logger, ProcessPart, TestSignals } from 'backstitch'
import { Pool } from 'pg'
import { pino } from 'pino'
import { isolatedTransport } from '../world/isolated-transport.ts'
import { killSignals } from './kill-signals.ts'
import type { PartReport, PartSettings } from './part-settings.ts'

/** What a part is built of, in its process. */
export type PartTools = {
  readonly database: Pool
  readonly transport: KafkaTransport
  readonly topicPrefix: string
  readonly pageRows?: number
  readonly logger: Logger
  readonly testSignals?: TestSignals
}

/**
 * The body of a part’s process: builds the part as it is told by its first argument, starts it, and stops it at SIGTERM.
 * It ends with whoever started it: then its standard input does.
 */
export async function runPart(make: (tools: PartTools) => ProcessPart): Promise<void> {
  const { url, brokers, kill, ...rest } = JSON.parse(process.argv[2] ?? '') as PartSettings
  process.stdin.on('end', () => process.exit(1)).resume()
  const logger = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }))
  const database = new Pool({ connectionString: url, max: 4 })
  const part = make({
    ...rest,
    database,
    transport: isolatedTransport(brokers, rest.topicPrefix, logger),
    logger,
    ...(kill && { testSignals: killSignals(kill, (reached) => tell({ kind: 'reached', ...reached })) }),
  })
  process.once('SIGTERM', () => {
    void part
      .stop()
      .then(() => database.end())
      .then(() => process.exit(0))
  })
  await part.start()
  tell({ kind: 'started' })
}

/** Written at once: a process that is about to die has no later. */
function tell(report: PartReport): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}
