import { describe, expect, it } from 'vitest'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import { definitionRegistry } from '../../../../src/saga/transition/definition-registry.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const definition = (changes: Partial<SagaDefinition> = {}): SagaDefinition =>
  ({
    name: 's',
    version: 1,
    hash: 'h1',
    orchestrator: 'o',
    steps: [{ name: 'a' }, { name: 'b' }],
    graph: {},
    ...changes,
  }) as SagaDefinition
const begun = (...steps: string[]): string =>
  JSON.stringify({ steps: Object.fromEntries(steps.map((step) => [step, {}])) })

describe('definitionRegistry', () => {
  it('finds a definition by name and version', () => {
    const registry = definitionRegistry(
      [definition(), definition({ version: 2 }), definition({ name: 't' })],
      'o',
    )
    expect(registry.find('s', 2)).toMatchObject({ name: 's', version: 2 })
    expect(registry.find('s', 3)).toBeUndefined()
    expect(registry.names).toEqual([
      { name: 's', version: 1 },
      { name: 's', version: 2 },
      { name: 't', version: 1 },
    ])
  })

  it('fits an instance of another form when it has all the steps that were begun', () => {
    const registry = definitionRegistry([definition()])
    const instance = { name: 's', version: 1, hash: 'other' }
    expect(registry.fit({ ...instance, state: begun('a') })).toBeDefined()
    expect(registry.fit({ ...instance, state: begun('a', 'gone') })).toBeUndefined()
    expect(registry.fit({ ...instance, hash: 'h1', state: begun('gone') })).toBeDefined()
    expect(registry.fit({ ...instance, version: 2, state: begun() })).toBeUndefined()
    // Whoever moves it finds out that its state cannot be read.
    expect(registry.fit({ ...instance, state: '{' })).toBeDefined()
  })

  it('refuses a version that comes twice, and one of another orchestrator', () => {
    expect(codeThrownBy(() => definitionRegistry([definition(), definition()]))).toBe('CONFIG_INVALID')
    expect(codeThrownBy(() => definitionRegistry([definition()], 'main'))).toBe('CONFIG_INVALID')
  })
})
