import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgWakeListener } from '../../../../src/postgres/wake/pg-wake-listener.ts'
import { createNotifier } from '../../../../src/runtime/create-notifier.ts'
import { type RelayWorld, relayWorld, until } from '../relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const slow = { idleMs: 60_000, announcedIdleMs: 60_000 }

test('a row leaves at once when its writer announces it in another process, however seldom the relay looks by itself', async () => {
  await world.relay({ pace: slow })
  await until('it listens', async () => {
    const { rows } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and query like 'listen backstitch_%'`,
    )
    return rows.length === 1
  })
  const notifier = createNotifier({ database: world.pool })
  try {
    // the relay slows down step by step: by an eighth of the time that nothing has come
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (let n = 0; n < 20; n++) {
      await world.insert('a', String(n))
      notifier.notify()
      await until('it is delivered', () => world.bodies().length === n + 1)
    }
    const { rows } = await world.pool.query<{ n: number }>(
      `select count(*)::integer as n from pg_stat_activity where application_name = 'backstitch notifier'`,
    )
    expect(rows[0]?.n).toBe(1)
  } finally {
    await notifier.stop()
  }
})

test('notifications are gathered: a thousand commits in a moment cost a few of them', async () => {
  const listener = await world.pool.connect()
  const notifier = createNotifier({ database: world.pool, debounceMs: 20 })
  try {
    let heard = 0
    listener.on('notification', () => void heard++)
    const { wakeChannel } = await import('../../../../src/postgres/wake/wake-channel.ts')
    await listener.query(`listen ${wakeChannel('backstitch')}`)
    for (let n = 0; n < 1_000; n++) notifier.notify()
    await until('it is heard', () => heard > 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    notifier.notify()
    await until('the last one is heard', () => heard > 1)
    expect(heard).toBeLessThanOrEqual(4)
  } finally {
    await notifier.stop()
    listener.release(true)
  }
})

test('a connection that does not carry notifications is found out, as behind a pooler in transaction mode', async () => {
  const server = await deafProxy(new URL(world.url))
  const url = new URL(world.url)
  url.port = String((server.address() as AddressInfo).port)
  const states: [boolean, string | undefined][] = []
  const listener = pgWakeListener({ connectionString: url.href }, 'backstitch', {
    onWake: () => undefined,
    onState: (isListening, reason) => void states.push([isListening, reason]),
  })
  await until('it is found out', () => states.length > 0)
  listener.close()
  server.close()
  expect(states).toEqual([[false, expect.stringContaining('pooler in transaction mode')]])
})

test('a lost connection is made again', async () => {
  const states: boolean[] = []
  const pool = new Pool({ connectionString: world.url })
  const listener = pgWakeListener({ connectionString: world.url }, 'backstitch', {
    onWake: () => undefined,
    onState: (isListening) => void states.push(isListening),
  })
  await until('it listens', () => states.at(-1) === true)
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen backstitch_%' and datname = current_database()`,
  )
  await until('it says so', () => states.includes(false))
  await until('it listens again', () => states.at(-1) === true)
  listener.close()
  await pool.end()
})

describe('what happens while it is under way', () => {
  const wakeUps = async (): Promise<number> => {
    const { rows } = await world.pool.query<{ n: number }>(
      `select count(*)::integer as n from pg_stat_activity where application_name = 'backstitch relay wake-up' and datname = current_database()`,
    )
    return rows[0]?.n ?? -1
  }

  test('closed before its connection listens, it leaves none behind', async () => {
    const proxy = await gateProxy(new URL(world.url), ({ sent }) => sent.includes('listen backstitch_'))
    const listener = pgWakeListener({ connectionString: proxy.url }, 'backstitch', {
      onWake: () => undefined,
      onState: () => undefined,
    })
    await until('its answer is held up', () => proxy.held > 0)
    listener.close()
    proxy.open()
    await until('it has let go', async () => (await wakeUps()) === 0)
    await proxy.close()
  })

  test('a connection that is lost during a proof is made again once, after that proof', async () => {
    const proxy = await gateProxy(new URL(world.url), ({ number }) => number === 2)
    const states: [boolean, string | undefined][] = []
    const listener = pgWakeListener({ connectionString: proxy.url }, 'backstitch', {
      onWake: () => undefined,
      onState: (isListening, reason) => void states.push([isListening, reason]),
    })
    await until('its announcement is held up', () => proxy.held > 0)
    await world.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen backstitch_%' and datname = current_database()`,
    )
    await until('it says so', () => states.length > 0)
    expect(states[0]).toEqual([false, 'the connection was lost'])
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(proxy.connections).toBe(2)
    proxy.open()
    await until('it listens', () => states.at(-1)?.[0] === true)
    expect(proxy.connections).toBe(4)
    listener.close()
    await proxy.close()
  })
})

/** What a connection through a {@link gateProxy} is, and all that was sent on it. */
type Passing = { readonly number: number; readonly sent: string }

/** Passes everything on; what the server says on connections that a gate is closed for waits until all gates are opened. */
async function gateProxy(target: URL, isClosedFor: (passing: Passing) => boolean) {
  const url = new URL(target)
  const waiting: (() => void)[] = []
  const sockets: Socket[] = []
  let isOpen = false
  let connections = 0
  const server = createServer((client) => {
    const number = ++connections
    let sent = ''
    const upstream = connect(Number(target.port), target.hostname)
    sockets.push(client, upstream)
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => undefined)
      socket.once('close', () => peer.destroy())
    }
    client.on('data', (chunk) => {
      sent += String(chunk)
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (isOpen || !isClosedFor({ number, sent })) client.write(chunk)
      else waiting.push(() => client.write(chunk))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    get held() {
      return waiting.length
    },
    get connections() {
      return connections
    },
    open: () => {
      isOpen = true
      for (const pass of waiting.splice(0)) pass()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Passes everything on but notifications. */
async function deafProxy(target: URL): Promise<Server> {
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => undefined)
      socket.once('close', () => peer.destroy())
    }
    client.on('data', (chunk) => upstream.write(chunk))
    onMessage(upstream, (message) => {
      if (String.fromCharCode(message[0] ?? 0) !== 'A') client.write(message)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Cuts what a server says into messages: a letter, four bytes of length, and so many bytes less four. */
function onMessage(socket: Socket, take: (message: Buffer) => void): void {
  let buffered: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 5 && buffered.length >= 1 + buffered.readInt32BE(1)) {
      const end = 1 + buffered.readInt32BE(1)
      take(buffered.subarray(0, end))
      buffered = buffered.subarray(end)
    }
  })
}
