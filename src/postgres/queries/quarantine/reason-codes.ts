/** SQL: the row waits for its topic, and is published by itself once that can be written to. */
export const waitsForTopic = `reason_code = 'OUTBOX_TOPIC_UNKNOWN'`

/** SQL: the same of its partition. */
export const waitsForPartition = `reason_code = 'OUTBOX_PARTITION_HELD'`

/** SQL: one of the two. */
export const waitsForPlace = `reason_code in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD')`

/** SQL: the row parks its key: it was refused, or waits behind one of its key that was. As the indexes say it. */
export const parksItsKey = `reason_code not in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD')`

/** SQL: the row itself was refused; its key waits behind it. As the index says it. */
export const wasRefused = `reason_code not in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD', 'OUTBOX_KEY_PARKED')`
