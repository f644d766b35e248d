import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { TlsConfig } from './config-schema.ts'

/** TLS in the form that the clients of both servers take: `true`, or options of Node’s `tls.connect` with certificates and keys as text. */
export type TlsOptions =
  | boolean
  | {
      readonly ca?: string
      readonly cert?: string
      readonly key?: string
      readonly servername?: string
      readonly rejectUnauthorized?: boolean
    }

/**
 * Replaces the paths of certificates and keys by what the files hold; PEM text passes as it is.
 * @param option the option’s path, for the message
 * @param folder what relative paths are relative to
 * @throws `CONFIG_INVALID` when a file cannot be read
 */
export async function readTls(
  ssl: TlsConfig | undefined,
  option: string,
  folder: string,
): Promise<TlsOptions | undefined> {
  if (typeof ssl !== 'object') return ssl
  const files = await Promise.all(
    (['ca', 'cert', 'key'] as const).map(async (name) => {
      const value = ssl[name]
      return value === undefined ? {} : { [name]: await pemOf(value, `${option}.${name}`, folder) }
    }),
  )
  const { servername, rejectUnauthorized } = ssl
  return Object.assign(
    {},
    servername !== undefined && { servername },
    rejectUnauthorized !== undefined && { rejectUnauthorized },
    ...files,
  ) as TlsOptions
}

async function pemOf(value: string, option: string, folder: string): Promise<string> {
  if (value.includes('-----BEGIN ')) return value
  try {
    return await readFile(resolve(folder, value), 'utf8')
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `${option}: ${reasonOf(cause)}`, { cause })
  }
}
