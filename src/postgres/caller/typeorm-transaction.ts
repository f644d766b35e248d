import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

type QueryRunner = {
  readonly isTransactionActive: boolean
  query(
    text: string,
    values: unknown[],
    structured: true,
  ): Promise<{ records?: unknown[]; affected?: number }>
}

/** A transaction of TypeORM: the entity manager that `transaction` gives, or a query runner that has begun one. */
export const typeormTransaction: CallerLibrary = (candidate) => {
  if (isFunction(candidate['createQueryRunner']))
    throw noTransaction('This is a TypeORM data source: take the entity manager that transaction() gives')
  const isRunner = typeof candidate['isTransactionActive'] === 'boolean'
  const isManager = isFunction(candidate['getRepository']) && isFunction(candidate['query'])
  if (!isRunner && !isManager) return undefined
  const runner = (isRunner ? candidate : candidate['queryRunner']) as QueryRunner | undefined
  if (!runner?.isTransactionActive)
    throw noTransaction('No transaction is open in this TypeORM manager or query runner')
  return {
    query: async (text, values = []) => {
      const { records = [], affected } = await runner.query(text, [...values], true)
      return { rows: records as never, rowCount: affected ?? null }
    },
  }
}
