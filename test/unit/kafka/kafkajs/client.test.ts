import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { guardedSockets } from '../../../../src/kafka/kafkajs/client/guarded-sockets.ts'
import { settlesWithin } from '../../../../src/transport/settles-within.ts'
import { kafkajs } from '../../../../src/kafka/kafkajs/index.ts'

describe('guarded sockets', () => {
  test('end with an error when they are cut off, and no new ones are made', async () => {
    const accepted: Socket[] = []
    const server = createServer((socket) => void accepted.push(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const guarded = guardedSockets()
    const connected = Promise.withResolvers<void>()
    const where = { host: '127.0.0.1', port, ssl: undefined as never, onConnect: connected.resolve }
    const socket = guarded.socketFactory(where)
    const failed = once(socket, 'error')
    await connected.promise
    guarded.cutOff()
    expect(String((await failed)[0])).toContain('cut off')
    expect(socket.destroyed).toBe(true)
    expect(() => guarded.socketFactory(where)).toThrow('cut off')
    for (const each of accepted) each.destroy()
    server.close()
  })
})

describe('settlesWithin', () => {
  test('is true for what ends in time, well or badly, and false for the rest', async () => {
    expect(await settlesWithin(Promise.resolve(1), 1_000)).toBe(true)
    expect(await settlesWithin(Promise.reject(new Error('badly')), 1_000)).toBe(true)
    expect(await settlesWithin(new Promise(() => undefined), 5)).toBe(false)
  })
})

describe('kafkajs()', () => {
  test.each([[[]], [['localhost']], [['kafka://localhost:9092']], [['localhost:9092', '']]])(
    'refuses %j as brokers',
    (brokers) => {
      expect(() => kafkajs({ brokers })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    },
  )

  test('connects nowhere by itself', async () => {
    const transport = kafkajs({ brokers: ['127.0.0.1:1'] })
    expect(transport.publisher().state).toBe('new')
    expect(transport.subscriber({ group: 'g', topics: ['t'] }).assignment()).toEqual([])
    await transport.publisher().close()
    await transport.admin().close()
    await transport.subscriber({ group: 'g', topics: ['t'] }).stop()
  })
})
