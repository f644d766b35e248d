import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'

const names = [
  'backstitch.config.ts',
  'backstitch.config.mts',
  'backstitch.config.js',
  'backstitch.config.mjs',
]

/**
 * Finds the configuration’s file: the one that is named, else the first of `backstitch.config.{ts,mts,js,mjs}` in the folder.
 * @returns its absolute path, or `undefined` where none is named and none is there: the environment alone may do
 * @throws `CONFIG_NOT_FOUND` when the named one is not there
 */
export function findConfigFile(folder: string, named?: string): string | undefined {
  if (named === undefined) return names.map((name) => resolve(folder, name)).find((path) => existsSync(path))
  const path = resolve(folder, named)
  if (!existsSync(path)) throw new BackstitchError('CONFIG_NOT_FOUND', path)
  return path
}

/**
 * Imports a configuration’s file, TypeScript included: Node strips the types (so it takes no enums, and imports with their extensions).
 * @returns what it exports by default
 * @throws `CONFIG_INVALID` when it cannot be imported or exports nothing by default
 */
export async function importConfigFile(path: string): Promise<unknown> {
  const exports = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    throw new BackstitchError('CONFIG_INVALID', `${path}: ${reasonOf(cause)}`, { cause })
  })
  const config = (exports as { default?: unknown }).default
  if (config === undefined)
    throw new BackstitchError('CONFIG_INVALID', `${path}: it has no \`export default defineConfig({ ... })\``)
  return config
}
