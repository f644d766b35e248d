import { type Callback, type Connection, ResponseError } from '@platformatic/kafka'

/** One of the library’s functions for a kind of request. */
export type Api<Request extends unknown[], Answer> = (
  connection: Connection,
  ...request: [...Request, Callback<Answer>]
) => void

/**
 * Sends a request and resolves with the answer, also where the broker says no: the library throws such answers, we look at their codes.
 *
 * A connection on which a request timed out is destroyed. What it would answer after that is worth nothing (and the library would lose its
 * place in the stream).
 *
 * @throws what the library throws when there is no answer: the connection failed, or the request timed out
 */
export function ask<Request extends unknown[], Answer>(
  connection: Connection,
  api: Api<Request, Answer>,
  ...request: Request
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    api(connection, ...request, (error, answer) => {
      if (error === null && answer !== undefined) resolve(answer)
      else if (error instanceof ResponseError)
        resolve((error as ResponseError & { response: Answer }).response)
      else {
        connection.socket.destroy()
        reject(error ?? new Error('the broker’s answer is empty'))
      }
    })
  })
}
