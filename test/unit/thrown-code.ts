import { BackstitchError } from '../../src/kernel/errors.ts'

/** The code of the error that a call throws; `undefined` when it throws none. Anything but an error of ours is thrown on. */
export function codeThrownBy(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (thrown) {
    if (thrown instanceof BackstitchError) return thrown.code
    throw thrown
  }
}
