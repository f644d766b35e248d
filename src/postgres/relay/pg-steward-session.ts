import { BackstitchError } from '../../kernel/errors.ts'
import type { OutboxView, StewardSession, StewardSettings } from '../../relay/ownership/steward-session.ts'
import type { PgRelayClient } from './pg-relay-client.ts'
import { outboxViewOf } from './pg-relay-rows.ts'
import { showPresence, viewOutbox } from '../queries/ownership/view-outbox.ts'

/** A process that has not looked for so long is frozen, or busy beyond measure. Never less, however short the lease: all look twice a second. */
const presentWithinMsLeast = 2_000

/** The hash that this version computes shards by. */
const knownHash = 'sha256-32'

/** Begins a steward’s session: from here on its process is counted. @throws `DATABASE_UNREACHABLE`, `DATABASE_FAILING` */
export async function openStewardSession(
  client: PgRelayClient,
  schema: string,
  { leaseDurationMs }: StewardSettings,
): Promise<StewardSession> {
  const table = `${schema}.outbox`
  const view = { name: 'viewOutbox', text: viewOutbox(schema) }
  await client.run({ name: 'showPresence', text: showPresence }, [table])
  let backend: string | null | undefined
  return {
    async look(): Promise<OutboxView> {
      const rows = await client.run(view, [table, Math.max(leaseDurationMs, presentWithinMsLeast)])
      const [hash, , seen] = rows[0]?.slice(6) ?? []
      if (hash !== undefined && hash !== knownHash)
        throw new BackstitchError(
          'CONFIG_INVALID',
          `${schema}.outbox_sharding: shards by ${hash}, this version knows ${knownHash}`,
        )
      backend ??= seen
      if (seen !== backend)
        throw new BackstitchError(
          'DATABASE_FAILING',
          'the connection leads to changing server processes: connect directly, or through a pooler in session mode',
        )
      return outboxViewOf(rows)
    },
    close: () => client.close(),
  }
}
