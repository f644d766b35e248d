import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { BackstitchError, reasonOf } from '../kernel/errors.ts'
import type { ProcessPart } from '../kernel/lifecycle.ts'
import { liveness, type ProbeAnswer, readiness } from './probe-machine.ts'
import { processMetrics } from './process-metrics.ts'
import type { PrometheusMetrics } from './prometheus-metrics.ts'

/** What a {@link ProbeServer} shows. */
export type ProbeServerOptions = {
  /** 0: one that is free. */
  readonly port: number
  /** Default: all addresses of the machine. */
  readonly host?: string
  readonly parts: readonly Pick<ProcessPart, 'name' | 'health'>[]
  readonly metrics: PrometheusMetrics
}

/** A small HTTP server for those who watch over a process. */
export type ProbeServer = {
  /** Listens. @returns the port @throws `CONFIG_INVALID` when the port is taken or may not be used */
  start(): Promise<number>
  /** From here on the process is not ready, while it finishes what is in hand. */
  drain(): void
  /** Closes it with its connections. Never rejects. */
  stop(): Promise<void>
}

/** Requests are short, and so are those who ask: nothing may pile up. */
const limits = { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 } as const
const connectionsMax = 100

/**
 * Makes the server: `/metrics` in Prometheus’s text format, `/healthz` (200 while the process is alive, 503 when a part is stalled) and
 * `/readyz` (200 while all parts run or stand by, else 503). The two answer in JSON with the state of each part; the reasons may name
 * hosts and topics, never payloads. It takes no orders and knows no users, so it belongs on an inner network.
 */
export function probeServer(options: ProbeServerOptions): ProbeServer {
  const measureProcess = processMetrics(options.metrics)
  let isDraining = false
  const healths = () => options.parts.map((part) => ({ name: part.name, ...part.health() }))
  const pages: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/metrics': (response) => {
      measureProcess()
      answer(response, 200, 'text/plain; version=0.0.4; charset=utf-8', options.metrics.expose())
    },
    '/healthz': (response) => answerProbe(response, liveness(healths())),
    '/readyz': (response) => answerProbe(response, readiness(healths(), isDraining)),
  }
  const server = createServer(limits, (request, response) => {
    respond(pages, request, response)
  })
  server.maxConnections = connectionsMax
  // nobody waits for a probe: it alone keeps no process alive
  server.unref()
  return {
    start: () => listening(server, options.port, options.host),
    drain: () => {
      isDraining = true
    },
    stop: async () => {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function respond(
  pages: Readonly<Record<string, (response: ServerResponse) => void>>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (!page) return answer(response, 404, 'text/plain', 'There are /metrics, /healthz and /readyz.\n')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return answer(response, 405, 'text/plain', 'It can be read only.\n')
  }
  page(response)
}

function answerProbe(response: ServerResponse, { ok, parts }: ProbeAnswer): void {
  answer(response, ok ? 200 : 503, 'application/json', `${JSON.stringify({ ok, parts })}\n`)
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response
    .writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    .end(body)
}

function listening(server: Server, port: number, host: string | undefined): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', (cause) =>
    reject(new BackstitchError('CONFIG_INVALID', `http.port: ${reasonOf(cause)}`, { cause })),
  )
  server.listen({ port, ...(host !== undefined && { host }) }, () => {
    const address = server.address()
    resolve(typeof address === 'object' && address !== null ? address.port : port)
  })
  return promise
}
