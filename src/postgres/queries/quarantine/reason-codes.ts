/** SQL: the row waits for its topic or its partition, and is published by itself once that can be written to. */
export const waitsForPlace = `reason_code in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD')`

/** SQL: the row itself was refused; its key waits behind it. */
export const wasRefused = `reason_code not in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD', 'OUTBOX_KEY_PARKED')`
