import type { DeadLetter } from '../../../src/inbox/dead-letter.ts'
import type { InboxStore } from '../../../src/inbox/inbox-store.ts'
import type { Database } from '../../../src/kernel/database.ts'
import type { SqlExecutor } from '../../../src/kernel/sql-executor.ts'
import type { Message } from '../../../src/message/message.ts'
import type { OutboxWriter } from '../../../src/outbox/outbox.ts'

/** What a transaction wrote, or what all of them left. */
type Written = { claims: string[]; letters: DeadLetter[]; effects: unknown[]; sent: Message[] }

const nothing = (): Written => ({ claims: [], letters: [], effects: [], sent: [] })

/** A database in memory with transactions, an inbox, an outbox and an effect to count. `tx.query('effect', [value])` is an effect. */
export function fakeDatabase() {
  const committed = nothing()
  const open = new Map<SqlExecutor, Written>()
  const failures: {
    readonly at: 'begin' | 'commit'
    readonly thrown: unknown
    readonly committed: boolean
  }[] = []

  const failAt = (at: 'begin' | 'commit'): { committed: boolean; thrown: unknown } | undefined => {
    const index = failures.findIndex((failure) => failure.at === at)
    return index < 0 ? undefined : failures.splice(index, 1)[0]
  }
  const keep = (written: Written): void => {
    committed.claims.push(...written.claims)
    committed.letters.push(...written.letters)
    committed.effects.push(...written.effects)
    committed.sent.push(...written.sent)
  }

  const database: Database = {
    transaction: async (work, { signal } = {}) => {
      const begun = failAt('begin')
      if (begun) throw begun.thrown
      const written = nothing()
      const tx: SqlExecutor = {
        query: async (_, values = []) => {
          written.effects.push(values[0])
          return { rows: [], rowCount: 1 }
        },
      }
      open.set(tx, written)
      const aborted = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
      const result = await Promise.race([work(tx), aborted])
      const failed = failAt('commit')
      if (!failed || failed.committed) keep(written)
      if (failed) throw failed.thrown
      return result
    },
  }

  const claim = (tx: SqlExecutor, group: string, source: string, id: string): boolean => {
    const text = `${group}|${source}|${id}`
    if (committed.claims.includes(text)) return false
    open.get(tx)?.claims.push(text)
    return true
  }
  const holds = (group: string, source: string, key: Buffer | null): boolean =>
    committed.letters.some(
      (letter) =>
        letter.order === 'key' &&
        letter.group === group &&
        letter.topic === source &&
        letter.key !== null &&
        key?.equals(letter.key) === true,
    )
  const inbox: InboxStore = {
    claim: async (tx, group, entries, { order }) =>
      entries.map(({ source, id, key }) => {
        if (committed.claims.includes(`${group}|${source}|${id}`)) return 'duplicate'
        if (order === 'key' && holds(group, source, key)) return 'held'
        return claim(tx, group, source, id) ? 'fresh' : 'duplicate'
      }),
    bury: async (tx, letter) => {
      const fresh = claim(tx, letter.group, letter.topic, letter.messageId)
      if (fresh) open.get(tx)?.letters.push(letter)
      return fresh
    },
  }
  const outbox: OutboxWriter = {
    enqueue: async (tx, messages) => {
      const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message]
      open.get(tx as SqlExecutor)?.sent.push(...list)
    },
  }

  return {
    database,
    inbox,
    outbox,
    committed,
    /** The next transaction fails; at the commit, perhaps after it has happened. */
    failNext: (at: 'begin' | 'commit', thrown: unknown, committedAnyway = false): void => {
      failures.push({ at, thrown, committed: committedAnyway })
    },
  }
}
