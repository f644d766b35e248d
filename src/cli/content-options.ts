import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { BackstitchError, reasonOf } from '../kernel/errors.ts'

type Headers = Readonly<Record<string, string | null>>

/** What of a message an edit replaces. */
export type ContentOptions = {
  readonly payloadFile?: string
  readonly tombstone?: boolean
  readonly setHeader?: Headers
  readonly removeHeader?: Headers
}

/** Adds {@link ContentOptions}. */
export function addContentOptions(command: Command): Command {
  return command
    .option('--payload-file <file>', 'the whole new body')
    .option('--tombstone', 'no body any more: the record deletes its key from a compacted topic')
    .option('--set-header <name=value>', 'a header that is set; may be repeated', headerSet)
    .option('--remove-header <name>', 'a header that is removed; may be repeated', headerRemoved)
}

/**
 * Reads what an edit replaces.
 * @param folder where the file is looked for
 * @throws `CONFIG_INVALID` when the file cannot be read, or the options say two things
 */
export async function changeOf(
  { payloadFile, tombstone, setHeader, removeHeader }: ContentOptions,
  folder: string,
): Promise<{ readonly body?: Buffer | null; readonly headers: Headers }> {
  if (payloadFile !== undefined && tombstone === true)
    throw new BackstitchError('CONFIG_INVALID', '--payload-file and --tombstone: give one of the two')
  const headers = { ...removeHeader, ...setHeader }
  if (tombstone === true) return { body: null, headers }
  return payloadFile === undefined
    ? { headers }
    : { body: await bodyFrom(resolve(folder, payloadFile)), headers }
}

async function bodyFrom(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `--payload-file: ${reasonOf(cause)}`, { cause })
  }
}

function headerSet(text: string, before: Headers | undefined): Headers {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It is <name>=<value>.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function headerRemoved(name: string, before: Headers | undefined): Headers {
  return { ...before, [name]: null }
}
