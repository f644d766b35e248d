import { BackstitchError } from '../../kernel/errors.ts'
import type { EventContract } from '../../message/event.ts'
import type { ReceivedMessage } from '../../message/message.ts'
import { quoted } from '../../message/storable-text.ts'
import { topicOf } from '../../message/topic.ts'
import type { MessageFormats } from '../formats/message-format.ts'
import type { Route } from '../record-reader.ts'
import type { EventSubscription } from './event-subscription.ts'
import { upcasted, type Upcaster } from './upcaster.ts'

/**
 * The kinds of messages that a consumer reads: those of its handlers, and the older versions that upcasters make of them.
 * @throws `CONFIG_INVALID` for two handlers of one contract and topic, an upcaster that leads to no handler, or two ways for one version
 */
export function eventRoutes(
  subscriptions: readonly EventSubscription[],
  upcasters: readonly Upcaster[],
  topicPrefix: string,
): readonly Route<EventSubscription>[] {
  const routes = subscriptions.map((target) => routeTo(target, target.contract, topicPrefix))
  const older = subscriptions.flatMap((target) => olderRoutes(target, upcasters, topicPrefix))
  const reached = new Set(older.map(({ upcaster }) => upcaster))
  for (const { from, to } of upcasters.filter((upcaster) => !reached.has(upcaster)))
    throw invalid(`upcasters: no handler takes ${nameOf(to)}, which ${nameOf(from)} becomes`)
  const all = [...routes, ...older.map(({ route }) => route)]
  const seen = new Set<string>()
  for (const { topic, type, version } of all) {
    const place = `${type} v${version}`
    if (seen.has(`${topic} ${place}`))
      throw invalid(`handlers: two of them handle ${place}, by themselves or through upcasters`)
    seen.add(`${topic} ${place}`)
  }
  return all
}

/** The topics of a consumer, each once. @throws `CONFIG_INVALID` as {@link eventRoutes} does */
export function eventTopics(
  subscriptions: readonly EventSubscription[],
  upcasters: readonly Upcaster[] | undefined,
  topicPrefix: string,
): readonly string[] {
  return [...new Set(eventRoutes(subscriptions, upcasters ?? [], topicPrefix).map(({ topic }) => topic))]
}

/** Refuses a format for a topic that is not read: nothing would come of it. @throws `CONFIG_INVALID` */
export function assertFormats(formats: MessageFormats, routes: readonly Route<unknown>[]): void {
  for (const topic of Object.keys(formats))
    if (!routes.some((route) => route.topic === topic))
      throw invalid(`formats: no handler reads the topic ${quoted(topic)}`)
}

type OlderRoute = { readonly upcaster: Upcaster; readonly route: Route<EventSubscription> }

/** From the handler’s version backwards. Each upcaster is taken once, so a circle of them ends. */
function olderRoutes(
  target: EventSubscription,
  upcasters: readonly Upcaster[],
  topicPrefix: string,
): OlderRoute[] {
  const found: OlderRoute[] = []
  const walk = (newer: EventContract, toTarget: (message: ReceivedMessage) => ReceivedMessage): void => {
    for (const upcaster of upcasters) {
      if (!isSame(upcaster.to, newer) || found.some((older) => older.upcaster === upcaster)) continue
      const convert = (message: ReceivedMessage): ReceivedMessage => toTarget(upcasted(message, upcaster))
      found.push({ upcaster, route: { ...routeTo(target, upcaster.from, topicPrefix), convert } })
      walk(upcaster.from, convert)
    }
  }
  walk(target.contract, (message) => message)
  return found
}

function routeTo(
  target: EventSubscription,
  contract: EventContract,
  topicPrefix: string,
): Route<EventSubscription> {
  const { aggregateType, name: type, version, payload: schema } = contract
  const topic = target.topic ?? topicOf(aggregateType, topicPrefix)
  return { topic, aggregateType, type, version, schema, takesTombstones: target.takesTombstones, target }
}

function isSame(one: EventContract, other: EventContract): boolean {
  return one.name === other.name && one.version === other.version && one.aggregateType === other.aggregateType
}

function nameOf({ name, version }: EventContract): string {
  return `${name} v${version}`
}

function invalid(place: string): BackstitchError {
  return new BackstitchError('CONFIG_INVALID', place)
}
