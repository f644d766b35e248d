/** A part of an outbox: the keys whose hash leaves `number` when it is divided by `count`. */
export type Shard = { readonly number: number; readonly count: number }

/** An outbox that is one shard, the usual one. */
export const onlyShard: Shard = { number: 0, count: 1 }
