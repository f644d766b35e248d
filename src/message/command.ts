import type { z } from 'zod'
import { BackstitchError } from '../kernel/errors.ts'
import { assertContract, assertKey, schemaHash } from './contract.ts'
import { quoted } from './storable-text.ts'
import { assertAggregateType, commandAggregateType } from './topic.ts'
import { validateBody } from './validate.ts'

/** The typed refusals of a command by name: business answers, never failures. */
export type Rejections = Readonly<Record<string, z.ZodType>>

/** A request to one service, which answers `ok` or one of its rejections. */
export type CommandContract<
  Name extends string = string,
  Request extends z.ZodType = z.ZodType,
  Ok extends z.ZodType = z.ZodType,
  Rejected extends Rejections = Rejections,
> = {
  readonly kind: 'command'
  readonly name: Name
  readonly version: number
  /** The service that handles it. */
  readonly service: string
  /** `<service>.command` */
  readonly aggregateType: string
  readonly request: Request
  readonly ok: Ok
  readonly rejected: Rejected
  /** Fingerprint of the schemas, kept in the graph of each saga that sends it. */
  readonly hash: string
  /** Validates a request and gives its key. @throws `MESSAGE_INVALID` */
  prepare(request: unknown): { readonly key: string; readonly request: z.output<Request> }
}

/**
 * Declares a command. Three outcomes exist: `ok`, a rejection, and *unknown* (no answer), which is never treated as a no.
 *
 * @param name `<service>.<verb>`; what stands before the first dot is the service unless one is given
 * @throws `CONTRACT_INVALID`
 * @example
 * const ReserveStock = command('stock.reserve', {
 *   version: 1,
 *   key: (request) => request.orderId,
 *   request: z.object({ orderId: z.uuid(), sku: z.string(), quantity: z.int() }),
 *   ok: z.object({ reservationId: z.string() }),
 *   rejected: { outOfStock: z.object({ sku: z.string(), left: z.int() }) },
 * })
 */
export function command<
  const Name extends string,
  Request extends z.ZodType,
  Ok extends z.ZodType,
  const Rejected extends Rejections = Record<never, never>,
>(
  name: Name,
  definition: {
    readonly version: number
    /** The key of the record: commands of one key are handled one after the other. */
    readonly key: (request: z.output<Request>) => string
    readonly request: Request
    readonly ok: Ok
    /** Leave it out for a command that cannot be refused: only such ones may follow a pivot. */
    readonly rejected?: Rejected
    readonly service?: string
  },
): CommandContract<Name, Request, Ok, Rejected> {
  const { version, key, request: schema, ok } = definition
  const rejected = definition.rejected ?? ({} as Rejected)
  const service = definition.service ?? name.slice(0, name.includes('.') ? name.indexOf('.') : undefined)
  const aggregateType = commandAggregateType(service)
  const owner = `${name} v${version}`
  assertContract(name, version)
  assertAggregateType(aggregateType, owner)
  return {
    kind: 'command',
    name,
    version,
    service,
    aggregateType,
    request: schema,
    ok,
    rejected,
    hash: schemaHash({ request: schema, ok, ...rejectedByOutcome(rejected, owner) }, owner),
    prepare: (input) => {
      const request = validateBody(schema, input, owner)
      return { key: assertKey(key(request), owner), request }
    },
  }
}

/** The schemas by the outcome that a reply names, `rejected.<name>`. */
function rejectedByOutcome(rejected: Rejections, owner: string): Record<string, z.ZodType> {
  for (const name of Object.keys(rejected))
    if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,99}$/.test(name))
      throw new BackstitchError(
        'CONTRACT_INVALID',
        `${owner}: a rejection has a name of 1 to 100 letters, digits, dashes or underscores that begins with a letter, not ${quoted(name)}`,
      )
  return Object.fromEntries(Object.entries(rejected).map(([name, schema]) => [`rejected.${name}`, schema]))
}
