import type { CallerTransaction } from '../../../src/kernel/caller-transaction.ts'
import type { DeferredRow } from '../../../src/outbox/due-time.ts'
import type { OutboxRow } from '../../../src/outbox/outbox-row.ts'
import type { WriterStore } from '../../../src/outbox/outbox-store.ts'

/** A store in memory that notes what it is asked. */
export function recordingStore() {
  const calls: { readonly tx: CallerTransaction; readonly rows: readonly OutboxRow[] }[] = []
  const deferred: { readonly tx: CallerTransaction; readonly rows: readonly DeferredRow[] }[] = []
  const savepoints: string[] = []
  const state = { ageMs: 0, looks: 0 }
  const store: WriterStore = {
    insert: async (tx, rows) => void calls.push({ tx, rows }),
    defer: async (tx, rows) => void deferred.push({ tx, rows }),
    cancel: async () => false,
    oldestAgeMs: async () => {
      state.looks++
      return state.ageMs
    },
    savepoint: async (tx, work) => {
      savepoints.push('begin')
      try {
        const result = await work(tx)
        savepoints.push('release')
        return result
      } catch (thrown) {
        savepoints.push('rollback')
        throw thrown
      }
    },
  }
  return { calls, deferred, savepoints, state, store }
}
