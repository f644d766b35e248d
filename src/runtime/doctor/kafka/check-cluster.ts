import type { ClusterDescription } from '../../../transport/admin.ts'
import { type Judgement, ok, warn, wrong } from '../finding.ts'

/** What the members of groups are configured with. */
export type GroupSettings = { readonly sessionTimeoutMs: number }

/** The brokers as a whole. */
export function checkCluster(
  { clusterId, brokers, config }: ClusterDescription,
  groups: GroupSettings,
): readonly Judgement[] {
  const known = ok(
    'brokers',
    `${brokers.length} of cluster ${clusterId}: ${brokers.map(({ address }) => address).join(', ')}`,
  )
  if (config === undefined)
    return [
      known,
      warn(
        'broker-settings',
        'not shown',
        'Settings of the brokers that break a promise would not be noticed.',
        'Allow the user DESCRIBE_CONFIGS on the cluster.',
      ),
    ]
  return [
    known,
    version(config),
    sessions(config, groups),
    autoCreate(config),
    offsets(config, brokers.length),
  ]
}

/** Brokers before 4.0 say which version they speak to each other; the protocol itself has no such question. */
function version(config: ReadonlyMap<string, string>): Judgement {
  const before4 = config.get('inter.broker.protocol.version')
  return ok(
    'version',
    before4 === undefined ? 'Kafka 4.0 or later' : `Kafka ${before4.replace(/-IV\d+$/, '')}`,
  )
}

function sessions(config: ReadonlyMap<string, string>, { sessionTimeoutMs }: GroupSettings): Judgement {
  const least = Number(config.get('group.min.session.timeout.ms') ?? 0)
  const most = Number(config.get('group.max.session.timeout.ms') ?? Number.MAX_SAFE_INTEGER)
  return sessionTimeoutMs >= least && sessionTimeoutMs <= most
    ? ok('session-timeout', `${sessionTimeoutMs} ms`)
    : wrong(
        'session-timeout',
        `${sessionTimeoutMs} ms, brokers take ${least} to ${most}`,
        'No member can join its group.',
        'Set sessionTimeoutMs within these bounds, or group.min.session.timeout.ms of the brokers.',
      )
}

function autoCreate(config: ReadonlyMap<string, string>): Judgement {
  const value = config.get('auto.create.topics.enable') ?? 'false'
  return value === 'false'
    ? ok('auto-create', 'off')
    : warn(
        'auto-create',
        'auto.create.topics.enable is on',
        'backstitch never asks for it, but whoever else looks at a topic that does not exist makes it, with too few partitions.',
        'Set it to false on the brokers.',
      )
}

function offsets(config: ReadonlyMap<string, string>, brokers: number): Judgement {
  const copies = Number(config.get('offsets.topic.replication.factor') ?? 3)
  return copies > 1 || brokers < 2
    ? ok('group-offsets', `${copies} ${copies === 1 ? 'copy' : 'copies'}`)
    : warn(
        'group-offsets',
        'offsets.topic.replication.factor is 1',
        'With the broker that holds it, a group forgets how far it was and begins at the earliest offset.',
        'Raise it before the topic __consumer_offsets is made, or reassign that topic.',
      )
}
