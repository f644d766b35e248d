import type { ProcessPart } from '../../kernel/lifecycle.ts'

/** Parts of a process, and how to let go of what they were given once they have stopped. */
export type ConfiguredParts = { readonly parts: readonly ProcessPart[]; readonly close: () => Promise<void> }
