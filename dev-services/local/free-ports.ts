import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'

const LOWEST = 10_000
const HIGHEST = 30_000
const ATTEMPTS_MAX = 200

/**
 * `count` TCP ports of 127.0.0.1 that nobody holds just now, all below the range the system picks from for outgoing
 * connections. A port inside that range could be taken by any client while a server restarts; worse, a client that
 * retries such a port on loopback can connect to itself and so keep the server out.
 */
export async function freePorts(count: number): Promise<number[]> {
  const highest = await highestSafePort()
  const found = new Set<number>()
  for (let attempt = 0; found.size < count; attempt += 1) {
    if (attempt === ATTEMPTS_MAX) throw new Error(`found no free port between ${LOWEST} and ${highest}`)
    const port = LOWEST + Math.floor(Math.random() * (highest - LOWEST))
    if (await canBind(port)) found.add(port)
  }
  return [...found]
}

async function highestSafePort(): Promise<number> {
  try {
    const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const lowestEphemeral = Number(range.split(/\s+/)[0])
    // a system that hands out nearly all ports leaves no safe range: any port then
    return lowestEphemeral >= LOWEST + 1_000 ? Math.min(HIGHEST, lowestEphemeral) : HIGHEST
  } catch {
    return HIGHEST // not Linux: outgoing connections start at 49152
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
