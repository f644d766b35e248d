import { protocolErrorsCodesById } from '@platformatic/kafka'

/** Kafka’s numbers of the answers that the driver tells apart. */
export const code = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  networkException: 13,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  topicAlreadyExists: 36,
  duplicateSequence: 46,
  storageError: 56,
  groupIdNotFound: 69,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  invalidRecord: 87,
  throttled: 89,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

/** The protocol’s name of a code, such as `MESSAGE_TOO_LARGE`. */
export function codeName(errorCode: number): string {
  const names: Readonly<Record<string, string>> = protocolErrorsCodesById
  return names[errorCode] ?? `error ${errorCode}`
}

/** A broker that has just become responsible, or does not know yet who is. */
const onItsWay: ReadonlySet<number> = new Set([
  code.coordinatorLoading,
  code.coordinatorNotAvailable,
  code.notCoordinator,
])

/** Whether it is a matter of moments until a coordinator answers. */
export function isOnItsWay(errorCode: number): boolean {
  return onItsWay.has(errorCode)
}
