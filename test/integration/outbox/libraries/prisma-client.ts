import * as runtime from '@prisma/client/runtime/client'

/**
 * The client that `prisma generate` (7.10) makes of
 *
 *     model Note { key String @id  @@map("note") }
 *
 * without its types. So the tests need the library and its compiler, and neither the program `prisma` nor the engine that it downloads.
 */
const config = {
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: 'd1b3f377ca835d73fd50954a5e22128b9ebdd6b8',
  activeProvider: 'postgresql',
  inlineSchema:
    'datasource db {\n  provider = "postgresql"\n}\n\nmodel Note {\n  key String @id\n\n  @@map("note")\n}\n',
  runtimeDataModel: {
    models: {
      Note: { fields: [{ name: 'key', kind: 'scalar', type: 'String' }], dbName: 'note', schema: null },
    },
    enums: {},
    types: {},
  },
  parameterizationSchema: {
    strings: [
      'where',
      'Note.findUnique',
      'Note.findUniqueOrThrow',
      'orderBy',
      'cursor',
      'Note.findFirst',
      'Note.findFirstOrThrow',
      'Note.findMany',
      'data',
      'Note.createOne',
      'Note.createMany',
      'Note.createManyAndReturn',
      'Note.updateOne',
      'Note.updateMany',
      'Note.updateManyAndReturn',
      'create',
      'update',
      'Note.upsertOne',
      'Note.deleteOne',
      'Note.deleteMany',
      'having',
      '_count',
      '_min',
      '_max',
      'Note.groupBy',
      'Note.aggregate',
      'AND',
      'OR',
      'NOT',
      'key',
      'equals',
      'in',
      'notIn',
      'lt',
      'lte',
      'gt',
      'gte',
      'contains',
      'startsWith',
      'endsWith',
      'not',
      'set',
    ],
    graph:
      'JAkQBBoAAB8AMBsAAAQAEBwAAB8AMB0BAAAAAQEAAAABACABAAAAAQAgBBoAAB8AMBsAAAQAEBwAAB8AMB0BACAAIQADAAAABAAgAwAABQAwBAAAAQAgAwAAAAQAIAMAAAUAMAQAAAEAIAMAAAAEACADAAAFADAEAAABACABHQEAAAABAQgAAAkAIAEdAQAAAAEBCAAACwAwAQgAAAsAMAEdAQAkACECAAAAAQAgCAAADgAgAR0BACQAIQIAAAAEACAIAAAQACACAAAABAAgCAAAEAAgAwAAAAEAIA8AAAkAIBAAAA4AIAEAAAABACABAAAABAAgAxUAACEAIBYAACMAIBcAACIAIAQaAAAaADAbAAAXABAcAAAaADAdAQAbACEDAAAABAAgAwAAFgAwFAAAFwAgAwAAAAQAIAMAAAUAMAQAAAEAIAQaAAAaADAbAAAXABAcAAAaADAdAQAbACEOFQAAHQAgFgAAHgAgFwAAHgAgHgEAAAABHwEAAAAEIAEAAAAEIQEAAAABIgEAAAABIwEAAAABJAEAAAABJQEAAAABJgEAAAABJwEAAAABKAEAHAAhDhUAAB0AIBYAAB4AIBcAAB4AIB4BAAAAAR8BAAAABCABAAAABCEBAAAAASIBAAAAASMBAAAAASQBAAAAASUBAAAAASYBAAAAAScBAAAAASgBABwAIQgeAgAAAAEfAgAAAAQgAgAAAAQhAgAAAAEiAgAAAAEjAgAAAAEkAgAAAAEoAgAdACELHgEAAAABHwEAAAAEIAEAAAAEIQEAAAABIgEAAAABIwEAAAABJAEAAAABJQEAAAABJgEAAAABJwEAAAABKAEAHgAhBBoAAB8AMBsAAAQAEBwAAB8AMB0BACAAIQseAQAAAAEfAQAAAAQgAQAAAAQhAQAAAAEiAQAAAAEjAQAAAAEkAQAAAAElAQAAAAEmAQAAAAEnAQAAAAEoAQAeACEAAAABKQEAAAABAAAAAAMVAAYWAAcXAAgAAAADFQAGFgAHFwAIAQIBAgMBBQYBBgcBBwgBCQoBCgwCCw0DDA8BDRECDhIEERMBEhQBExUCGBgFGRkJ',
  },
  compilerWasm: {
    getRuntime: () => untyped('query_compiler_fast_bg.postgresql.mjs'),
    getQueryCompilerWasmModule: async () => {
      const { wasm } = await untyped('query_compiler_fast_bg.postgresql.wasm-base64.mjs')
      const { WebAssembly } = globalThis as unknown as {
        WebAssembly: { Module: new (bytes: Buffer) => unknown }
      }
      return new WebAssembly.Module(Buffer.from(wasm, 'base64'))
    },
    importName: './query_compiler_fast_bg.js',
  },
}

/** The compiler’s modules have no types. */
function untyped(file: string): Promise<{ readonly wasm: string }> {
  return import(`@prisma/client/runtime/${file}`) as Promise<{ readonly wasm: string }>
}

/** What the generated types say of an interactive transaction, as far as it is used here. */
export type PrismaTransaction = {
  readonly note: { create(values: { data: { key: string } }): Promise<unknown> }
  $queryRawUnsafe<T = unknown>(query: string, ...values: unknown[]): Promise<T>
}

/** And of a client. */
export type PrismaClient = PrismaTransaction & {
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  $transaction<Result>(
    work: (tx: Omit<PrismaClient, '$connect' | '$disconnect'>) => Promise<Result>,
  ): Promise<Result>
}

/** The class that is generated. */
export const PrismaClient = runtime.getPrismaClient(
  config as unknown as runtime.GetPrismaClientConfig,
) as unknown as new (options: {
  adapter: runtime.SqlDriverAdapterFactory
}) => PrismaClient
