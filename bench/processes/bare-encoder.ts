import { once } from 'node:events'
import { partitionOf } from 'backstitch/testing'
import { Client } from 'pg'
import { CopyPage, rowsOfCopy } from '../peers/limit/copy-page.ts'
import { ProduceLink } from '../peers/limit/produce-link.ts'
import { type PlainRecord, RecordBatchWriter } from '../peers/limit/record-batch.ts'
import { wordToBegin } from '../word-to-begin.ts'

// What the hardware gives a relay that writes Kafka’s record batches itself, from the bytes that COPY delivers, and promises nothing: one reader, the
// next page read while three are under way, sequences checked by the broker, one broker that leads all partitions.
const { url, brokers, topicPrefix } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
}
await wordToBegin()
const pageSize = 1_000
const requestsUnderWay = 3
const partitions = 6
const client = new Client({ connectionString: url })
await client.connect()
const {
  rows: [snapshot],
} = await client.query<{ text: string }>('select pg_current_snapshot()::text as text')
const link = await ProduceLink.open(brokers[0]!, `${topicPrefix}bench`)
const writer = new RecordBatchWriter(link.producer)

const read = async (after: bigint): Promise<Buffer[][]> => {
  const page = new CopyPage(
    `copy (select seq, id::text, aggregateid, type, payload from backstitch.outbox
       where seq > ${after} and pg_visible_in_snapshot(xid, '${snapshot!.text}'::pg_snapshot) order by seq limit ${pageSize})
     to stdout (format binary)`,
  )
  client.query(page)
  return rowsOfCopy(await page.chunks)
}

process.once('SIGTERM', () => process.exit(0))
process.send?.('started')
let page = read(0n)
const underWay: Promise<void>[] = []
for (;;) {
  const rows = await page
  const last = rows.at(-1)
  if (last === undefined) break
  page = read(last[0]!.readBigInt64BE())
  const records = Array.from({ length: partitions }, (): PlainRecord[] => [])
  for (const [, id, key, type, value] of rows)
    records[partitionOf(key!, partitions)]!.push({ id: id!, key: key!, type: type!, value: value! })
  underWay.push(link.produce(writer, records))
  if (underWay.length >= requestsUnderWay) await underWay.shift()
}
await Promise.all(underWay)
await once(process, 'SIGTERM')
