import type { TransactionOptions } from '../../kernel/database.ts'

/**
 * How the verbs of operators run. Each statement sees what was committed before the lock that it waited for; and a command line that freezes
 * in the middle (Ctrl-Z, a laptop that sleeps) gives its locks back after five seconds, for a relay stands behind them.
 */
export const verbTransaction: TransactionOptions = { isolation: 'read committed', idleMsMax: 5_000 }
