import type { ProcessPart } from '../../kernel/lifecycle.ts'
import type { InboxStore } from '../inbox-store.ts'
import type { LetterRedriver } from './letter-redriver.ts'

/** A member of a group that also handles the letters of its group again: the redriver begins and ends with it. */
export function withRedriver(member: ProcessPart, redriver: LetterRedriver): ProcessPart {
  return {
    ...member,
    start: async () => {
      await member.start()
      redriver.start()
    },
    stop: async () => {
      await Promise.all([redriver.stop(), member.stop()])
    },
  }
}

/** The store, from which the redriver hears of letters that will be due. */
export function heardBy(inbox: InboxStore, redriver: LetterRedriver, nowMs: () => number): InboxStore {
  return {
    ...inbox,
    bury: async (tx, letter) => {
      const buried = await inbox.bury(tx, letter)
      if (buried && letter.state === 'retrying') redriver.expect((letter.dueAtMs ?? 0) - nowMs())
      return buried
    },
  }
}
