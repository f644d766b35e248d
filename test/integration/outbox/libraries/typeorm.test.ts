import { DataSource, EntitySchema, type EntityManager, type QueryRunner } from 'typeorm'
import { testCallerLibrary } from './caller-library.ts'

const Note = new EntitySchema<{ key: string }>({
  name: 'note',
  columns: { key: { type: 'text', primary: true } },
})

async function connected(url: string): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, entities: [Note] }).initialize()
}

testCallerLibrary<EntityManager>('TypeORM', async (url) => {
  const source = await connected(url)
  return {
    database: source,
    transaction: (work) => source.transaction(work),
    note: (tx, key) => tx.insert(Note, { key }),
    refused: { 'TypeORM data source': source, 'TypeORM manager': source.manager },
    close: () => source.destroy(),
  }
})

testCallerLibrary<QueryRunner>('a query runner of TypeORM', async (url) => {
  const source = await connected(url)
  const idle = source.createQueryRunner()
  return {
    transaction: async (work) => {
      const runner = source.createQueryRunner()
      await runner.startTransaction()
      try {
        await work(runner)
        await runner.commitTransaction()
      } catch (thrown) {
        await runner.rollbackTransaction()
        throw thrown
      } finally {
        await runner.release()
      }
    },
    note: (tx, key) => tx.manager.insert(Note, { key }),
    refused: { 'query runner': idle },
    close: async () => {
      await idle.release()
      await source.destroy()
    },
  }
})
