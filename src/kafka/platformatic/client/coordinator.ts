import { type Connection, findCoordinatorV4 } from '@platformatic/kafka'
import { assertAccepted, BrokerRefusal } from './broker-refusal.ts'
import type { Cluster } from './cluster.ts'
import { code } from './error-codes.ts'

const keyOfGroup = 0

/** A connection to the broker that keeps a group. @throws BrokerRefusal, and what the library throws when none answers */
export async function groupCoordinator(cluster: Cluster, group: string): Promise<Connection> {
  const answer = await cluster.askAny(findCoordinatorV4.api, keyOfGroup, [group])
  const found = answer.coordinators.find(({ key }) => key === group)
  if (found === undefined) throw new BrokerRefusal(code.coordinatorNotAvailable)
  assertAccepted(found.errorCode, found.errorMessage)
  return cluster.brokerAt(found.nodeId, { host: found.host, port: found.port })
}
