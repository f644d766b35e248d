import { BackstitchError } from '../../kernel/errors.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { DefinitionName, DefinitionRow, SagaInstance } from '../saga-store.ts'

/** The definitions that a process has. */
export type DefinitionRegistry = {
  readonly rows: readonly DefinitionRow[]
  readonly names: readonly DefinitionName[]
  find(name: string, version: number): SagaDefinition | undefined
  /**
   * The definition that may move an instance. An instance that was started with another form of the same version may be moved by this one
   * as long as this one has all the steps that the instance has begun; if not, the process lacks its definition.
   */
  fit(instance: Pick<SagaInstance, 'name' | 'version' | 'hash' | 'state'>): SagaDefinition | undefined
}

/**
 * @param orchestrator the name that the definitions must carry, where they are for one orchestrator
 * @throws `CONFIG_INVALID` when a version comes twice or belongs to another orchestrator
 */
export function definitionRegistry(
  definitions: readonly SagaDefinition[],
  orchestrator?: string,
): DefinitionRegistry {
  const byName = new Map<string, SagaDefinition>()
  for (const definition of definitions) {
    const owner = keyOf(definition.name, definition.version)
    if (byName.has(owner)) throw new BackstitchError('CONFIG_INVALID', `sagas: ${owner} comes twice`)
    if (orchestrator !== undefined && definition.orchestrator !== orchestrator)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `sagas: ${owner} is for the orchestrator "${definition.orchestrator}", not for "${orchestrator}"`,
      )
    byName.set(owner, definition)
  }
  const find = (name: string, version: number) => byName.get(keyOf(name, version))
  return {
    rows: definitions.map(({ name, version, hash, graph }) => ({ name, version, hash, graph })),
    names: definitions.map(({ name, version }) => ({ name, version })),
    find,
    fit: (instance) => {
      const definition = find(instance.name, instance.version)
      if (!definition || definition.hash === instance.hash) return definition
      const begun = stepsOf(instance.state)
      return begun.every((name) => definition.steps.some((step) => step.name === name))
        ? definition
        : undefined
    },
  }
}

function keyOf(name: string, version: number): string {
  return `${name} v${version}`
}

/** The steps that an instance has begun. A state that cannot be read names none: it is the machine’s caller who parks its saga. */
function stepsOf(state: string): readonly string[] {
  try {
    return Object.keys((JSON.parse(state) as { steps: object }).steps)
  } catch {
    return []
  }
}
