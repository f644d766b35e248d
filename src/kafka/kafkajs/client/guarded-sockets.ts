import net from 'node:net'
import tls from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const keepAliveDelayMs = 60_000

/** The sockets of one client, and the power to end them for good. */
export type GuardedSockets = {
  readonly socketFactory: ISocketFactory
  /**
   * Destroys all sockets at once and refuses new ones. kafkajs retries by itself for seconds after its caller has given up; only
   * without sockets is it certain that nothing more leaves this client.
   */
  cutOff(): void
}

/** Makes sockets as kafkajs does, but without Nagle’s delay, and remembers them. */
export function guardedSockets(): GuardedSockets {
  const open = new Set<net.Socket>()
  let isCutOff = false
  return {
    socketFactory: ({ host, port, ssl, onConnect }) => {
      if (isCutOff) throw new Error('this client was cut off')
      // kafkajs passes on whatever its `ssl` option is: `true` spreads to nothing
      const socket: net.Socket = ssl
        ? tls.connect({ host, port, ...(net.isIP(host) === 0 && { servername: host }), ...ssl }, onConnect)
        : net.connect({ host, port }, onConnect)
      socket.setKeepAlive(true, keepAliveDelayMs)
      socket.setNoDelay(true)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    },
    cutOff: () => {
      isCutOff = true
      // with an error: kafkajs then rejects what is pending at once, instead of waiting for its request timeout
      for (const socket of open) socket.destroy(new Error('this client was cut off'))
    },
  }
}
