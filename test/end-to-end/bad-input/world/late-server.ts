import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** The address of a server that is not there yet: nobody listens until {@link LateServer.appear}, then all bytes pass to the real one. */
export type LateServer = {
  /** `127.0.0.1:port` */
  readonly address: string
  appear(): Promise<void>
}

/** Takes a free port for a server that appears later. Connections are cut when the test ends. */
export async function lateServer(target: {
  readonly host: string
  readonly port: number
}): Promise<LateServer> {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let server: Server | undefined
  onTestFinished(() => {
    server?.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    address: `127.0.0.1:${port}`,
    appear: async () => {
      server = createServer((client) => {
        const real = connect(target)
        for (const [socket, peer] of [
          [client, real],
          [real, client],
        ] as const) {
          sockets.add(socket)
          socket.on('error', () => undefined)
          socket.once('close', () => {
            sockets.delete(socket)
            peer.destroy()
          })
          socket.pipe(peer)
        }
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
