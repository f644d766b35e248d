import { expect } from 'vitest'
import { startBackstitch } from '../../../integration/cli/backstitch-process.ts'
import type { World } from './world.ts'

/** A row of the quarantine as `backstitch outbox list` prints it. */
export type ParkedRow = {
  readonly seq: string
  readonly topic: string
  readonly key: string
  readonly code: string
  readonly reason: string
  readonly intent?: unknown
}

/** Runs `backstitch outbox …` as an operator would, and expects it to succeed. @returns what it printed */
export async function outboxVerb({ url }: World, ...words: readonly string[]): Promise<string> {
  const folder = import.meta.dirname // no configuration lies here: the environment says enough
  const { code, out, err } = await startBackstitch(['outbox', ...words], {
    folder,
    environment: { DATABASE_URL: url },
  }).ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}

/** What is in the quarantine, by its list. */
export async function parkedRows(world: World): Promise<ParkedRow[]> {
  return JSON.parse(await outboxVerb(world, 'list', '--output', 'json')) as ParkedRow[]
}
