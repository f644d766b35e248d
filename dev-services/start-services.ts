import { ServicesUnavailableError } from './services-unavailable-error.ts'
import { startLocalKafka } from './local/start-local-kafka.ts'
import { startLocalPostgres } from './local/start-local-postgres.ts'
import type { KafkaServer, KafkaSettings, OwnServices, PostgresServer, PostgresSettings, Services, ServicesOptions } from './settings.ts'
import { probeKafka } from './probe-kafka.ts'
import { probePostgres } from './probe-postgres.ts'

/** Starts or finds servers. */
export function startServices(options: ServicesOptions & { own: true }): Promise<OwnServices>
export function startServices(options?: ServicesOptions): Promise<Services>
export async function startServices(options: ServicesOptions = {}): Promise<Services> {
  const log = options.log ?? (() => {})
  const settingsOf = <S extends object>(mine: boolean | S | undefined, other: boolean | object | undefined): S | undefined => {
    const wanted = mine === undefined ? other === undefined || other === false : mine !== false
    return wanted ? (typeof mine === 'object' ? mine : ({} as S)) : undefined
  }
  const pgs = settingsOf<PostgresSettings>(options.postgres, options.kafka)
  const ks = settingsOf<KafkaSettings>(options.kafka, options.postgres)
  const [p, k] = await Promise.allSettled([
    pgs && startLocalPostgres(pgs, log), ks && startLocalKafka(ks, log)])
  if (p.status === 'rejected') throw p.reason
  if (k.status === 'rejected') throw k.reason
  const postgres = p.value, kafka = k.value
  return { get postgres() { return postgres! }, get kafka() { return kafka! }, stop: async () => { await Promise.all([postgres?.stop(), kafka?.stop()]) } }
}
