/** A way in which an outbox relay or a consumer can be broken, and the rule that closes it. */
export type WayToBreakIt = { readonly rule: string; readonly attack: string; readonly answer: string }

const way = (rule: string, attack: string, answer: string): WayToBreakIt => ({ rule, attack, answer })

/** Losing committed rows (A), stalling or breaking others’ work (B), order, ghosts and stale duplicates (C), consumers (E). Tests name the rule that they hold. */
export const waysToBreakIt: readonly WayToBreakIt[] = [
  way(
    'A1',
    'Retention empties a partition into which a transaction is still writing.',
    'The partition is locked first; then, in a new snapshot, every row must be delivered under the saved checkpoint of every shard.',
  ),
  way(
    'A2',
    'A position in memory outlives a crash of Postgres, and transaction numbers are used again.',
    'After any error of a session everything is forgotten and the saved checkpoint is read; a snapshot that lies before it is fatal.',
  ),
  way(
    'A3',
    'A snapshot of a hot standby knows no transactions in progress.',
    'Each look asks whether the server is a standby, and discards what it read there.',
  ),
  way(
    'A4',
    'A row comes with a transaction number of its own choice.',
    'A check on every partition, not validated, so that dumps can be restored; `seq` is always generated.',
  ),
  way(
    'A5',
    'A dump is restored, or the server is upgraded.',
    'The cluster’s identity is part of the checkpoint; another one stops the relay until an operator adopts the database.',
  ),
  way(
    'A6',
    'A record with its writer’s time is deleted by the broker before it is read.',
    'The record’s time is that of its sending; the writer’s is a header.',
  ),
  way('A7', 'Row security hides rows.', 'An error instead of a filter.'),
  way(
    'A8',
    'Two handlers derive the same id for different messages.',
    'Ids derive from group, handler, source, incoming id and ordinal.',
  ),
  way(
    'A9',
    'The hash of a key changes between versions of Postgres.',
    'A hash of our own, with golden vectors and a version.',
  ),
  way(
    'B10',
    'Changing the partitions waits for an open transaction, and all writers wait behind it.',
    'Emptying by TRUNCATE of a leaf, adding by ATTACH, dropping only what is free, with short lock timeouts.',
  ),
  way(
    'B11',
    'Rows in the default partition are in the way of new ones.',
    'Partitions are made ahead; the default one is emptied like any other, and taken apart when it was needed.',
  ),
  way(
    'B12',
    'One partition without a leader holds up all others.',
    'It holds its own rows only; a key is parked only for a record that was refused alone.',
  ),
  way(
    'B13',
    'An owner that freezes inside a transaction keeps its locks.',
    'Checkpoint and renewal are one statement; every session has timeouts below the lease.',
  ),
  way(
    'B14',
    'An owner that was replaced saves an old checkpoint.',
    'Lease and checkpoint are one row under one epoch.',
  ),
  way(
    'B15',
    'A key is released while new rows of it arrive.',
    'Operators write wishes; only the owner releases a key, with its checkpoint, when none of its rows is left.',
  ),
  way(
    'B16',
    'A held snapshot keeps dead row versions of the side tables.',
    'Checkpoints are appended and truncated in turn; due messages have a low bound.',
  ),
  way('B17', 'A shard without rows blocks retention.', 'It saves its place now and then all the same.'),
  way(
    'B18',
    'A huge window is sorted again for each page.',
    'Rows of transactions that were open are read by their number, all others by the primary key, page by page.',
  ),
  way(
    'C19',
    'A request that was held in the network arrives after its successors.',
    'First deliveries stay in order; where the driver’s sequences are checked by the broker, it refuses the old bytes of the same lane; for another lane or process there is the `sequenceHeader`.',
  ),
  way(
    'C20',
    'A row is published and then lost in a crash, since its commit did not wait for the disk.',
    'Nothing is published before the log is on disk up to it.',
  ),
  way(
    'C21',
    'A topic gets more partitions, and a key moves.',
    'The number is pinned in the database; a new one is adopted with nothing under way.',
  ),
  way(
    'C22',
    'A message for later passes the place of reading, or blocks its key.',
    'It waits in a table of its own and goes into the outbox when it is due.',
  ),
  way(
    'C23',
    'A replay mixes with live rows.',
    'The owner does it, with a barrier for each key, and says that it is one.',
  ),
  way(
    'C24',
    'A trigger or a lock within the insert does not order the rows.',
    'Writers lock in an earlier statement; the number is drawn first.',
  ),
  way(
    'C25',
    'A fast relay repeats much after a kill.',
    'What is under way without a checkpoint is bounded by records, not by time alone.',
  ),
  way(
    'E34',
    'Offsets are missing, or a key is blocked for longer than the inbox remembers what was finished after it.',
    'The finished prefix is of what was fetched. Blocking has an end, then the key has a dead letter; rows of the inbox go only behind committed offsets.',
  ),
  way(
    'E35',
    'A dead letter is handled again while another one of its key is added, or while a late member still tries it.',
    'Both lock the row of the key; a dead letter claims its message.',
  ),
  way(
    'E36',
    'A crash is blamed on all that was in hand, and three hard deployments make dead letters of the innocent.',
    'After a crash suspects run alone, and only what was alone counts.',
  ),
  way('E37', 'Two members claim the same messages in opposite orders.', 'Ids are claimed in their order.'),
]
