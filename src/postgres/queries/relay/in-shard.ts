import type { Shard } from '../../../relay/ownership/shard.ts'

/**
 * The shard of a key, as the function `outbox_shard` computes it. Written out, for Postgres does not inline the function (`convert_to` is only
 * stable), and a call costs four times as much as what it does.
 * @param key an expression of type text
 * @param count a number or an expression of type integer
 */
export function shardOfKey(key: string, count: number | string): string {
  return `((('x' || encode(substring(sha256(convert_to(${key}, 'UTF8')) from 1 for 4), 'hex'))::bit(32)::bigint & 4294967295) % ${count})`
}

/**
 * The condition that a row is in the shard, beginning with `and`; nothing where there is one shard only, so that its statements have no
 * condition more than they need.
 * @param row the alias of the row, with its dot, or nothing
 */
export function andInShard({ number, count }: Shard, row: string = ''): string {
  return count === 1 ? '' : ` and ${shardOfKey(`${row}aggregateid`, count)} = ${number}`
}
