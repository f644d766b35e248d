import type { TestProject } from 'vitest/node'
import { startServices } from '../../dev-services/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A Postgres whose user may create databases; see createDatabase in services.ts. */
    postgresUrl: string
    kafkaBrokers: string[]
  }
}

/** One Postgres and one Kafka for a whole run of tests; each file makes its own database and topic names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await startServices({ log: (line) => console.error(`[services] ${line}`) })
  project.provide('postgresUrl', services.postgres.url)
  project.provide('kafkaBrokers', services.kafka.brokers)
  return () => services.stop()
}
