import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'
import { kafkaConsole } from '../../../dev-services/index.ts'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'
import { eachDriver, realDrivers } from './real-drivers.ts'
import { harnessFor, Inbox, numbered } from './transport-harness.ts'

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

describe.each(eachDriver)('processes over $name', ({ name, driver }) => {
  const harness = harnessFor(() => ({
    transport: driver({ brokers: kafkaBrokers() }),
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))

  test('a killed member is replaced within its session timeout, and what it had not committed is read again', async () => {
    const sessionTimeoutMs = 3_000
    const { newTopic, publish, subscriber } = harness()
    const [topic, group] = [await newTopic(2), uniqueName()]
    await publish(numbered(topic, 2, 2))
    const child = start('member.ts', [name, kafkaBrokers().join(), group, topic, String(sessionTimeoutMs)])
    await child.says('assigned 2')
    await child.says('read 0')
    await child.says('read 1')
    const inbox = new Inbox()
    const survivor = subscriber({ group, topics: [topic], sessionTimeoutMs })
    await survivor.run({ onBatch: inbox.takeAll })
    expect(survivor.assignment()).toHaveLength(1)
    child.process.kill('SIGKILL')
    await once(child.process, 'exit')
    const killedMs = performance.now()
    await publish(numbered(topic, 2, 2, 2))
    await inbox.until(() => new Set(inbox.values()).size === 4, 'all four records')
    // found dead after a session at most; the survivor hears of it with its next heartbeat and joins anew
    expect(performance.now() - killedMs).toBeLessThan(sessionTimeoutMs + 2_500)
    expect(survivor.assignment()).toHaveLength(2)
  })

  test('idle clients take next to no CPU', async () => {
    const { newTopic } = harness()
    const { cpuPercent, timers } = await idle(name, await newTopic(1))
    expect(cpuPercent).toBeLessThan(4)
    expect(timers).toBeLessThan(30)
  })

  test('the Java client reads the same keys, values and headers', async () => {
    const { newTopic, publish } = harness()
    const topic = await newTopic(1)
    await publish([
      {
        topic,
        partition: 0,
        key: 'grüße',
        value: '{"ü":1}',
        headers: [
          ['id', '1'],
          ['twice', 'a'],
          ['twice', 'b'],
        ],
      },
      { topic, partition: 0, key: null, value: null, headers: [] },
    ])
    const format = ['key', 'headers', 'partition', 'offset'].flatMap((it) => [
      '--formatter-property',
      `print.${it}=true`,
    ])
    const output = await kafkaConsole({
      brokers: kafkaBrokers(),
      args: ['--topic', topic, '--partition', '0', '--offset', 'earliest', '--max-messages', '2', ...format],
    })
    expect(output.toString().trimEnd().split('\n')).toEqual([
      'Partition:0\tOffset:0\tid:1,twice:a,twice:b\tgrüße\t{"ü":1}',
      'Partition:0\tOffset:1\tNO_HEADERS\tnull\tnull',
    ])
  })
})

test('kafkajs’s own clients set a timer each millisecond and connection, as far as the machine lets them', async () => {
  const admin = realDrivers['kafkajs']!({ brokers: kafkaBrokers() }).admin()
  const topic = uniqueName()
  await admin.createTopics([{ topic, partitions: 1 }])
  await admin.close()
  expect((await idle('stock', topic)).timers).toBeGreaterThan(300)
})

async function idle(kind: string, topic: string): Promise<{ cpuPercent: number; timers: number }> {
  const child = start('idle-clients.ts', [kafkaBrokers().join(), topic, kind, '4000'])
  const [, cpuPercent, timers] = (await child.says('idle ')).split(' ').map(Number)
  console.log('idle clients', kind, { cpuPercent, timers })
  return { cpuPercent: cpuPercent!, timers: timers! }
}

/** Starts one of the programs in `processes/` and listens to its lines. */
function start(
  program: string,
  args: string[],
): { process: ChildProcess; says: (start: string) => Promise<string> } {
  const path = new URL(`processes/${program}`, import.meta.url).pathname
  const child = spawn(process.execPath, ['--conditions=backstitch-source', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' }, // kafkajs’s own clients warn of their negative timeouts
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const wake of waiting) wake()
  })
  const says = async (begin: string): Promise<string> => {
    const found = (): string | undefined => lines.find((line) => line.startsWith(begin))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${program} did not say "${begin}", but: ${lines.join('; ')}`)),
        20_000,
      )
      const look = (): void => {
        const line = found()
        if (line === undefined) return
        clearTimeout(timer)
        waiting.delete(look)
        resolve(line)
      }
      waiting.add(look)
      look()
    })
  }
  return { process: child, says }
}
