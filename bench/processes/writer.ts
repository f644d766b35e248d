import { Client } from 'pg'

// Commits `rate` transactions a second, each an update and one outbox row, for `seconds`, over `clients` connections. Open loop: what is late is caught up.
// With a rate of 0 each connection begins its next transaction when the last one is done.
const {
  url,
  rate,
  clients: connections,
  seconds,
} = JSON.parse(process.argv[2]!) as {
  url: string
  rate: number
  clients: number
  seconds: number
}
process.once('disconnect', () => process.exit(0))
const clients = await Promise.all(
  Array.from({ length: connections }, async () => {
    const client = new Client({ connectionString: url, pipeline: true })
    await client.connect()
    return client
  }),
)
process.send?.('started')
const begun = performance.now()
let next = 0
let commits = 0
await Promise.all(clients.map(write))
process.send?.({ commits, seconds: (performance.now() - begun) / 1000 })
await Promise.all(clients.map((client) => client.end()))

async function write(client: Client): Promise<void> {
  for (;;) {
    const n = next++
    const due = rate === 0 ? performance.now() : begun + (n / rate) * 1000
    if (due > begun + seconds * 1000) return
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    await Promise.all([
      client.query({ name: 'begin', text: 'begin' }),
      client.query({
        name: 'update',
        text: 'update account set n = n + 1 where id = $1',
        values: [n % 10_000],
      }),
      client.query({
        name: 'insert',
        text: `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
          values ('bench', $1::text, 'bench.written', json_build_object('at', extract(epoch from clock_timestamp()) * 1000, 'pad', repeat('x', 250))::text)`,
        values: [`key-${n % 10_000}`],
      }),
      client.query({ name: 'commit', text: 'commit' }),
    ])
    commits++
  }
}
