import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

/** What is touched of a kafkajs consumer’s `ConsumerGroup`. */
export type KafkajsGroup = {
  /** How long a fetch may be held by the broker, or the pause that stands for it where all partitions are paused. */
  maxWaitTime: number
  readonly assigners: readonly JoinListener[]
}

/** A partition assigner that is asked before its member joins. */
export type JoinListener = {
  /** The member joins (again) once this has resolved. It must not reject. */
  readonly beforeJoining?: (group: KafkajsGroup) => Promise<void>
}

type GroupPrototype = {
  joinAndSync: (this: KafkajsGroup) => Promise<void>
  fetch: (this: KafkajsGroup, nodeId: number) => Promise<unknown>
}

/** SHA-256 of the texts of the method that is replaced and of the one that reads `maxWaitTime`: those of kafkajs 2.2.4. */
const knownText = '998f7df79c9e3c8493caf00095fd862d9ed6fa4df03307e6d1bf6c95ccf804c1'

/**
 * Lets the assigner of a kafkajs 2.2.4 member hold its joins, in which kafkajs asks nobody: what is in hand when the group is dealt out anew
 * can so be finished and committed first.
 *
 * Another version of kafkajs, or one whose files cannot be reached, is left alone: such a member joins at once, what it has in hand then is
 * committed by nobody, and comes again.
 * @returns whether joins can be held now
 */
export function heldJoins(prototype: GroupPrototype | undefined = consumerGroup()): boolean {
  if (prototype === undefined) return false
  if (held.has(prototype)) return true
  const texts = String(prototype.joinAndSync) + String(prototype.fetch)
  if (createHash('sha256').update(texts).digest('hex') !== knownText) return false
  const { joinAndSync } = prototype
  prototype.joinAndSync = async function () {
    for (const assigner of this.assigners) await assigner.beforeJoining?.(this)
    return joinAndSync.call(this)
  }
  held.add(prototype)
  return true
}

const held = new WeakSet<GroupPrototype>()

function consumerGroup(): GroupPrototype | undefined {
  try {
    const load = createRequire(import.meta.url)
    return (load('kafkajs/src/consumer/consumerGroup') as { prototype?: GroupPrototype }).prototype
  } catch {
    return undefined
  }
}
