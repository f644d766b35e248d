import { userInfo } from 'node:os'
import { BackstitchError } from '../kernel/errors.ts'

/**
 * Who does it: the one that is named, else the user of the operating system.
 * @throws `CONFIG_INVALID` when the system has no name for its user (a container with a number alone)
 */
export function actorOf(named: string | undefined): string {
  if (named !== undefined) return named
  try {
    return userInfo().username
  } catch (cause) {
    throw new BackstitchError(
      'CONFIG_INVALID',
      'This system has no name for its user: give one with --actor',
      {
        cause,
      },
    )
  }
}
