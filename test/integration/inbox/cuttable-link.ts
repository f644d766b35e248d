import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP link to a server that can be cut and joined again, on a port of its own. */
export type CuttableLink = {
  readonly port: number
  /** Refuses new connections and breaks those there are. */
  readonly cut: () => Promise<void>
  readonly join: () => Promise<void>
}

/** Makes a {@link CuttableLink}, which is cut until it is joined. */
export async function cuttableLink(target: {
  readonly host: string
  readonly port: number
}): Promise<CuttableLink> {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const listen = (port: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const listening = createServer((near) => {
        const far = connect(target)
        for (const socket of [near, far]) {
          sockets.add(socket)
          socket.on('error', () => undefined)
          socket.on('close', () => {
            sockets.delete(socket)
            near.destroy()
            far.destroy()
          })
        }
        near.pipe(far).pipe(near)
      })
      listening.once('error', reject)
      listening.listen(port, '127.0.0.1', () => resolve(listening))
    })
  const close = async (): Promise<void> => {
    const closing = server
    server = undefined
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => (closing ? closing.close(() => resolve()) : resolve()))
  }
  server = await listen(0)
  const { port } = server.address() as { port: number }
  await close()
  return {
    port,
    cut: close,
    join: async () => {
      server ??= await listen(port)
    },
  }
}
