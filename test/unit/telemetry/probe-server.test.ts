import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Health } from '../../../src/kernel/lifecycle.ts'
import { type ProbeServer, probeServer } from '../../../src/telemetry/probe-server.ts'
import { prometheusMetrics } from '../../../src/telemetry/prometheus-metrics.ts'

const open: ProbeServer[] = []
afterEach(() => Promise.all(open.splice(0).map((server) => server.stop())))

async function setUp() {
  const part = { name: 'relay', state: 'running' as Health['state'] }
  const server = probeServer({
    port: 0,
    host: '127.0.0.1',
    metrics: prometheusMetrics(),
    parts: [{ name: part.name, health: () => ({ state: part.state }) }],
  })
  open.push(server)
  const port = await server.start()
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method })
  return { part, server, get }
}

test('answers probes by the health of the parts', async () => {
  const { part, server, get } = await setUp()
  const statuses = async () => [(await get('/healthz')).status, (await get('/readyz')).status]
  expect(await statuses()).toEqual([200, 200])
  expect(await (await get('/readyz?verbose')).json()).toEqual({
    ok: true,
    parts: [{ name: 'relay', state: 'running' }],
  })
  part.state = 'failing'
  expect(await statuses()).toEqual([200, 503])
  part.state = 'stalled'
  expect(await statuses()).toEqual([503, 503])
  part.state = 'running'
  server.drain()
  expect(await statuses()).toEqual([200, 503])
})

test('shows metrics, and that of the process', async () => {
  const { get } = await setUp()
  const response = await get('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await response.text()).toMatch(/^process_memory_usage_bytes \d+$/m)
})

test('knows no other pages and takes no orders', async () => {
  const { get } = await setUp()
  for (const path of ['/', '/metrics/', '/..%2fmetrics', '/constructor', '/__proto__'])
    expect((await get(path)).status).toBe(404)
  expect((await get('/metrics', 'POST')).status).toBe(405)
})

test('names a port that is taken', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const server = probeServer({ port, host: '127.0.0.1', parts: [], metrics: prometheusMetrics() })
  await expect(server.start()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('http.port'),
  })
  await server.stop()
  other.close()
})
