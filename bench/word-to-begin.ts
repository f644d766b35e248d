import { once } from 'node:events'

/** Says that the process is up and waits for the word to begin. The process ends with its parent. */
export async function wordToBegin(): Promise<void> {
  process.once('disconnect', () => process.exit(1))
  process.send?.('ready')
  await once(process, 'message')
}
