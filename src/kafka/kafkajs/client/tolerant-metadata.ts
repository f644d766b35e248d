import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

/** What the patch touches of a version of kafkajs’s `metadata` answer. */
type MetadataResponse = { parse: (answer: MetadataAnswer) => Promise<MetadataAnswer> }

type MetadataAnswer = {
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { partitionErrorCode: number }[]
  }[]
}

/** The newest version that kafkajs 2.2.4 speaks; every broker since Kafka 2.0 speaks it. */
const modulePath = 'kafkajs/src/protocol/requests/metadata/v6/response'

/** The protocol’s number of `LEADER_NOT_AVAILABLE`. */
const leaderNotAvailable = 5

/** SHA-256 of the text of the only function that is replaced: that of kafkajs 2.2.4. */
const knownText = 'd30641109479478c76d49af2160f44f0e01fde6f8b3fddf0af301ae1df0103e3'

/**
 * Lets kafkajs 2.2.4 live with a partition that has no leader. Its own reading of metadata rejects the whole answer when one partition of one
 * topic has none, and so stops a client for *all* topics until there is a leader again, which may take as long as a broker takes to come back.
 * Here such a partition keeps its place, with the leader `-1`: whoever writes to it fails, and whoever does not goes on.
 *
 * Another version of kafkajs, or one whose files cannot be reached, is left alone.
 * @returns whether metadata is read so now
 */
export function tolerantMetadata(response: MetadataResponse | undefined = metadataResponse()): boolean {
  if (response === undefined) return false
  if (tolerant.has(response)) return true
  if (createHash('sha256').update(String(response.parse)).digest('hex') !== knownText) return false
  const { parse } = response
  response.parse = (answer) => {
    for (const { partitionMetadata } of answer.topicMetadata)
      for (const partition of partitionMetadata)
        if (partition.partitionErrorCode === leaderNotAvailable) partition.partitionErrorCode = 0
    return parse(answer)
  }
  tolerant.add(response)
  return true
}

const tolerant = new WeakSet<MetadataResponse>()

function metadataResponse(): MetadataResponse | undefined {
  try {
    return createRequire(import.meta.url)(modulePath) as MetadataResponse
  } catch {
    return undefined
  }
}
