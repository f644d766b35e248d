/**
 * Under which name a group’s rows stand in the inbox. A new generation has another name, so that messages which the group had before count as new
 * (see `reprocess`). Until it is told of a generation it is the first.
 */
export type InboxGeneration = {
  name(group: string): string
  set(generation: number): void
}

/** Makes an {@link InboxGeneration}. `#` is in no group’s name. */
export function inboxGeneration(): InboxGeneration {
  let generation = 1
  return {
    name: (group) => (generation === 1 ? group : `${group}#${generation}`),
    set: (next) => {
      generation = next
    },
  }
}
