import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { event } from '../../../../src/message/event.ts'
import { command } from '../../../../src/message/command.ts'
import { canonicalJson } from '../../../../src/saga/definition/canonical-json.ts'
import { compileSaga } from '../../../../src/saga/definition/compile-saga.ts'
import type { StepDraft } from '../../../../src/saga/definition/saga-draft.ts'

const body = z.object({ id: z.string() })
const contract = (name: string, rejected?: Record<string, z.ZodType>) =>
  command(name, {
    version: 1,
    key: ({ id }) => id,
    request: body,
    ok: body,
    ...(rejected && { rejected }),
  })
const Reserve = contract('stock.reserve', { outOfStock: z.object({ left: z.int() }) })
const Release = contract('stock.release')
const Charge = contract('payment.charge')
const Ship = contract('shipping.ship')
const request = () => ({ id: 'o-1' })

const head = { version: 1, input: body, key: ({ id }: { id: string }) => id }
const reserve: StepDraft = {
  name: 'reserve',
  phase: 'compensatable',
  after: [],
  options: { send: Reserve, with: request, undo: { send: Release, with: request } },
}
const charge: StepDraft = {
  name: 'charge',
  phase: 'pivot',
  after: ['reserve'],
  options: { send: Charge, with: request },
}
const ship: StepDraft = {
  name: 'ship',
  phase: 'retriable',
  after: ['charge'],
  options: { send: Ship, with: request },
}

const stepWith = (options: object): StepDraft[] => [
  { ...reserve, options: { ...reserve.options, ...options } },
]

describe('a definition', () => {
  const definition = compileSaga('place-order', head, [reserve, charge, ship])

  test('has the defaults of each phase', () => {
    const [first, second, third] = definition.steps
    const backoff = { initialMs: 5_000, maxMs: 60_000, factor: 2 }
    expect(first).toMatchObject({ timeoutMs: 30_000, retry: { attemptsMax: 5, backoff } })
    expect(first?.undo).toMatchObject({ timeoutMs: 30_000, retry: { attemptsMax: 10, backoff } })
    expect(second?.retry.attemptsMax).toBe(5)
    expect(second?.undo).toBeUndefined()
    expect(third?.retry.attemptsMax).toBe(10)
    expect(definition.orchestrator).toBe('orchestrator')
  })

  test('is a graph of names, contracts and timers', () => {
    const { name, version, hash } = Reserve
    expect(definition.graph).toEqual({
      name: 'place-order',
      version: 1,
      nodes: [
        {
          step: 'reserve',
          phase: 'compensatable',
          after: [],
          send: { name, version, hash },
          undo: { name: 'stock.release', version: 1, hash: Release.hash },
          timeoutMs: 30_000,
          attemptsMax: 5,
        },
        {
          step: 'charge',
          phase: 'pivot',
          after: ['reserve'],
          send: { name: 'payment.charge', version: 1, hash: Charge.hash },
          timeoutMs: 30_000,
          attemptsMax: 5,
        },
        {
          step: 'ship',
          phase: 'retriable',
          after: ['charge'],
          send: { name: 'shipping.ship', version: 1, hash: Ship.hash },
          timeoutMs: 30_000,
          attemptsMax: 10,
        },
      ],
    })
  })

  test('has the SHA-256 of the graph’s canonical JSON as its hash, which other code does not change but another step does', () => {
    const text = canonicalJson(definition.graph)
    expect(definition.hash).toBe(createHash('sha256').update(text).digest('hex'))
    const otherMapper = { ...ship, options: { send: Ship, with: () => ({ id: 'x' }) } }
    expect(compileSaga('place-order', head, [reserve, charge, otherMapper]).hash).toBe(definition.hash)
    expect(compileSaga('place-order', head, [reserve, charge]).hash).not.toBe(definition.hash)
    expect(compileSaga('place-order', { ...head, version: 2 }, [reserve, charge, ship]).hash).not.toBe(
      definition.hash,
    )
  })

  test('gives the business key, or says why there is none', () => {
    expect(definition.key({ id: 'o-1' })).toBe('o-1')
    expect(() => definition.key({ id: '' })).toThrow(/^MESSAGE_INVALID.*place-order v1/)
    const throwing = compileSaga('place-order', { ...head, key: () => JSON.parse('{') as string }, [reserve])
    expect(() => throwing.key({ id: 'o-1' })).toThrow(/^MESSAGE_INVALID.*place-order v1: the key: .*JSON/)
  })

  test('takes its own timing', () => {
    const timed = (options: object) => compileSaga('s', head, stepWith(options)).steps[0]
    expect(timed({ timeout: '1.5s', retry: { attemptsMax: 1 } })).toMatchObject({
      timeoutMs: 1_500,
      retry: { attemptsMax: 1 },
    })
    expect(timed({ timeout: '2147483647ms' })?.timeoutMs).toBe(2_147_483_647)
    const backoffOf = (backoff: object) => timed({ retry: { backoff } })?.retry.backoff
    expect(backoffOf({ factor: 1 })).toEqual({ initialMs: 5_000, maxMs: 60_000, factor: 1 })
    expect(backoffOf({ maxMs: 1_000 })).toEqual({ initialMs: 1_000, maxMs: 1_000, factor: 2 })
    expect(backoffOf({ initialMs: 90_000 })).toEqual({ initialMs: 90_000, maxMs: 90_000, factor: 2 })
    expect(backoffOf({ initialMs: 0, maxMs: 0 })).toEqual({ initialMs: 0, maxMs: 0, factor: 2 })
  })
})

describe('a definition is refused, with its place,', () => {
  const cases: readonly (readonly [what: string, words: RegExp, build: () => unknown])[] = [
    ['without a name', /"".*name of a saga/, () => compileSaga('', head, [reserve])],
    ['with an illegal name', /"a b".*name of a saga/, () => compileSaga('a b', head, [reserve])],
    ['of version 0', /s: the version 0/, () => compileSaga('s', { ...head, version: 0 }, [reserve])],
    ['of version 1.5', /s: the version 1.5/, () => compileSaga('s', { ...head, version: 1.5 }, [reserve])],
    [
      'of a version beyond the limit',
      /version 1000001/,
      () => compileSaga('s', { ...head, version: 1_000_001 }, [reserve]),
    ],
    [
      'without a schema',
      /s v1: the input/,
      () => compileSaga('s', { ...head, input: undefined as never }, [reserve]),
    ],
    ['without a key', /s v1: the key/, () => compileSaga('s', { ...head, key: 'id' as never }, [reserve])],
    [
      'with an empty orchestrator',
      /orchestrator ""/,
      () => compileSaga('s', { ...head, orchestrator: '' }, [reserve]),
    ],
    [
      'with an illegal orchestrator',
      /orchestrator "a b"/,
      () => compileSaga('s', { ...head, orchestrator: 'a b' }, [reserve]),
    ],
    ['without steps', /s v1: it has no steps/, () => compileSaga('s', head, [])],
    [
      'with a nameless step',
      /s v1, step "".*name of a step/,
      () => compileSaga('s', head, [{ ...reserve, name: '' }]),
    ],
    [
      'with an illegal name of a step',
      /step "__proto__".*name of a step/,
      () => compileSaga('s', head, [{ ...reserve, name: '__proto__' }]),
    ],
    [
      'with a step named by no text',
      /step a value of type number.*name of a step/,
      () => compileSaga('s', head, [{ ...reserve, name: 7 as never }]),
    ],
    [
      'with a name twice',
      /s v1, step reserve: there is a step of this name/,
      () => compileSaga('s', head, [reserve, reserve]),
    ],
    [
      'with a retriable step before the pivot',
      /step ship: a retriable step follows/,
      () => compileSaga('s', head, [reserve, ship]),
    ],
    [
      'with a compensatable step after the pivot',
      /step reserve: only retriable steps may follow the pivot charge/,
      () =>
        compileSaga('s', head, [
          { ...charge, after: [] },
          { ...reserve, after: ['charge'] },
        ]),
    ],
    [
      'with two pivots',
      /step again: only retriable/,
      () =>
        compileSaga('s', head, [
          { ...charge, after: [] },
          { ...charge, name: 'again', after: [] },
        ]),
    ],
    [
      'with a retriable step that can be rejected',
      /step reserve: stock.reserve can be rejected \(outOfStock\)/,
      () =>
        compileSaga('s', head, [
          { ...charge, after: [] },
          { ...reserve, phase: 'retriable', options: { send: Reserve, with: request } },
        ]),
    ],
    [
      'with a step that waits for none before it',
      /step charge: it waits for "ship", which is no step before it/,
      () => compileSaga('s', head, [reserve, { ...charge, after: ['ship'] }, ship]),
    ],
    [
      'with a compensatable step beside the pivot',
      /step reserve: the pivot charge does not wait for it/,
      () => compileSaga('s', head, [reserve, { ...charge, after: [] }]),
    ],
    [
      'with a retriable step beside the pivot',
      /step ship: it does not wait for the pivot charge/,
      () => compileSaga('s', head, [reserve, charge, { ...ship, after: ['reserve'] }]),
    ],
    [
      'with a condition that is none',
      /step reserve: `when` is no function/,
      () => compileSaga('s', head, stepWith({ when: true })),
    ],
    [
      'with an undo of the pivot',
      /step reserve: a pivot step cannot be undone/,
      () => compileSaga('s', head, [{ ...reserve, phase: 'pivot' }]),
    ],
    [
      'with an event to send',
      /step reserve: `send` is no command/,
      () =>
        compileSaga(
          's',
          head,
          stepWith({ send: event('a.b', { version: 1, key: () => 'k', payload: body }) }),
        ),
    ],
    [
      'without options of a step',
      /step reserve: `send` is no command/,
      () => compileSaga('s', head, [{ ...reserve, options: undefined as never }]),
    ],
    [
      'without a mapper',
      /step reserve: `with` is no function/,
      () => compileSaga('s', head, stepWith({ with: undefined })),
    ],
    [
      'without a mapper of the undo',
      /step reserve, undo: `with`/,
      () => compileSaga('s', head, stepWith({ undo: { send: Release } })),
    ],
    [
      'with an undo by another service, which has no record of the step',
      /step reserve, undo: shipping.ship is a command of shipping: only stock/,
      () => compileSaga('s', head, stepWith({ undo: { send: Ship, with: request } })),
    ],
    [
      'with a timeout of nothing',
      /s v1, step reserve: the timeout "0s"/,
      () => compileSaga('s', head, stepWith({ timeout: '0s' })),
    ],
    [
      'with a timeout that is none',
      /the timeout "soon"/,
      () => compileSaga('s', head, stepWith({ timeout: 'soon' })),
    ],
    [
      'with a timeout that no timer holds',
      /the timeout "25d" is longer/,
      () => compileSaga('s', head, stepWith({ timeout: '25d' })),
    ],
    [
      'with a timeout of 2^31 ms',
      /is longer than 2147483647 ms/,
      () => compileSaga('s', head, stepWith({ timeout: '2147483648ms' })),
    ],
    [
      'with no attempts',
      /attemptsMax is 0/,
      () => compileSaga('s', head, stepWith({ retry: { attemptsMax: 0 } })),
    ],
    [
      'with half an attempt',
      /attemptsMax is 1.5/,
      () => compileSaga('s', head, stepWith({ retry: { attemptsMax: 1.5 } })),
    ],
    [
      'with endless attempts',
      /attemptsMax is 1000001/,
      () => compileSaga('s', head, stepWith({ retry: { attemptsMax: 1_000_001 } })),
    ],
    [
      'with an undo that is tried 0 times',
      /undo of reserve: attemptsMax is 0/,
      () =>
        compileSaga(
          's',
          head,
          stepWith({ undo: { send: Release, with: request, retry: { attemptsMax: 0 } } }),
        ),
    ],
    ...[
      { initialMs: -1 },
      { initialMs: 2, maxMs: 1 },
      { maxMs: 2 ** 31 },
      { factor: 0.5 },
      { factor: 1_001 },
      { initialMs: Number.NaN },
    ].map(
      (backoff) =>
        [
          `with a backoff of ${JSON.stringify(backoff)}`,
          /step reserve: a backoff from/,
          () => compileSaga('s', head, stepWith({ retry: { backoff } })),
        ] as const,
    ),
  ]

  test.each(cases)('%s', (_what, words, build) => {
    expect(build).toThrow(words)
    expect(build).toThrow(/^SAGA_DEFINITION_INVALID/)
  })
})
