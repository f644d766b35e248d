import { BenchProcess } from '../bench-process.ts'

/** What a relay publishes, and where to. */
type Target = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  /** For those that need one: a replication slot that is older than the rows. */
  readonly slot?: string | undefined
  readonly purpose: 'drain' | 'latency'
}

/** A relay whose process is up, and which waits for the word. */
export type ReadyRelay = {
  pid(): number | undefined
  begin(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  /** Starts it again after a kill, and lets it begin. */
  revive(): Promise<void>
  stop(): Promise<void>
}

/** One of those that are compared. */
export type Side = {
  readonly name: string
  readonly needsSlot: boolean
  ready(target: Target): Promise<ReadyRelay>
}

/** A side that is a script in `bench/processes/`: it says `ready`, begins when it is told to, and says `started`. */
export function processSide(name: string, script: string, more: object = {}): Side {
  return {
    name,
    needsSlot: false,
    ready: async (target) => {
      const start = async (): Promise<BenchProcess> => {
        const started = new BenchProcess(script, { ...target, ...more })
        await started.message()
        return started
      }
      let relay = await start()
      const begin = async (): Promise<void> => {
        relay.send('begin')
        await relay.message()
      }
      return {
        pid: () => relay.pid,
        begin,
        kill: () => relay.kill(),
        revive: async () => {
          relay = await start()
          await begin()
        },
        stop: () => relay.stop(),
      }
    },
  }
}
