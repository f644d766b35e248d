import { startServices } from '../dev-services/index.ts'
import { DemoProcess, logFolder } from './child-process.ts'
import { runChecks } from './checks.ts'
import { createDatabases, dropDatabases, services } from './databases.ts'
import { demoOptions } from './options.ts'
import type { Fate } from './placed-order.ts'
import { progressLine, readProgress } from './progress.ts'
import { printReport } from './report.ts'

const { orders, refuse, rate } = demoOptions(process.argv.slice(2))
const cli = 'src/cli/main.ts'
const say = (line: string): void => console.log(`• ${line}`)

const servers = await startServices({ log: say })
try {
  process.exitCode = (await run()) ? 0 : 1
} finally {
  await servers.stop()
}

async function run(): Promise<boolean> {
  say('creating five databases: orders (with the orchestrator’s tables), stock, payment, shipping, sales')
  const databases = await createDatabases(servers.postgres.url)
  const env = {
    KAFKA_BROKERS: servers.kafka.brokers.join(','),
    ...Object.fromEntries(services.map((name) => [`DEMO_${name.toUpperCase()}_URL`, databases[name].url])),
  }
  const command = (name: string, ...argv: string[]): DemoProcess =>
    new DemoProcess(name, cli, [...argv, '--config', 'demo/backstitch.config.ts'], env)
  await finished(command('topics', 'topics', 'apply'))

  say(
    `starting relay, orchestrator, ${services.slice(1).join(', ')}: each a process of its own, logs in ${logFolder}`,
  )
  const relay = command('relay', 'relay').start()
  const orchestrator = command('orchestrator', 'orchestrator').start()
  const participants = services
    .slice(1)
    .map((name) => new DemoProcess(name, 'demo/processes/service.ts', [name], env))
  await Promise.all(participants.map(ready))

  say(`placing ${orders} orders, ${rate} a second; ${Math.floor(orders * refuse)} of them will be refused`)
  const fates = new Map<string, Fate>()
  const placer = new DemoProcess(
    'orders',
    'demo/processes/orders.ts',
    [String(orders), String(refuse), String(rate)],
    env,
  )
  placer.start((message) => {
    const { placed, fate } = message as { placed: string; fate: Fate }
    fates.set(placed, fate)
  })

  const draw = progressLine(orders)
  const deadline = Date.now() + (orders / rate) * 1000 + 60_000
  let killed = false
  for (;;) {
    const progress = await readProgress(databases.orders.pool)
    draw(fates.size, progress)
    if (fates.size === orders && progress.completed + progress.compensated === orders) break
    if (Date.now() > deadline) break
    if (!killed && fates.size >= orders / 2) {
      killed = true
      await Promise.all([relay.kill(), orchestrator.kill()])
      console.log()
      say('half-way: kill -9 to the relay and the orchestrator, and both started again')
      relay.start()
      orchestrator.start()
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  console.log()
  await waitForSales(databases.sales.pool, fates.size)

  const checks = await runChecks(databases, servers.kafka.brokers, fates)
  const good = await printReport(databases.orders.pool, fates, checks)
  await Promise.all([relay, orchestrator, ...participants].map((one) => one.stop()))
  if (good) await dropDatabases(servers.postgres.url, databases)
  return good
}

function ready(one: DemoProcess): Promise<void> {
  return new Promise((resolve) => one.start((message) => message === 'ready' && resolve()))
}

async function finished(one: DemoProcess): Promise<void> {
  await one.start().ended()
}

/** The consumer downstream may be a moment behind the last saga. */
async function waitForSales(
  sales: { query(sql: string): Promise<{ rows: { n: string }[] }> },
  count: number,
): Promise<void> {
  const deadline = Date.now() + 15_000
  while (Date.now() < deadline) {
    const { rows } = await sales.query('select coalesce(sum(orders), 0) as n from sale')
    if (Number(rows[0]?.n) >= count) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
