/**
 * A member of a group, for a test that kills it: `member.ts <driver> <brokers> <group> <topic> <session timeout ms>`. Prints `assigned <count>`
 * once it has partitions, and each value that it reads; it commits nothing.
 */
import { realDrivers } from '../real-drivers.ts'

const [driver = '', brokers = '', group = '', topic = '', sessionTimeoutMs] = process.argv.slice(2)
const member = realDrivers[driver]!({ brokers: brokers.split(',') }).subscriber({
  group,
  topics: [topic],
  sessionTimeoutMs: Number(sessionTimeoutMs),
  maxWaitMs: 50,
})
await member.run({
  onBatch: async ({ records }) => {
    for (const record of records) console.log(`read ${String(record.value)}`)
    return { kind: 'done' }
  },
})
console.log(`assigned ${member.assignment().length}`)
