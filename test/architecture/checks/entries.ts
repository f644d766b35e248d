import { isBuiltin, packageOf, resolved } from './house.ts'
import { importsOf } from '../source/imports.ts'
import type { SourceFile } from '../source/files.ts'

/** What a subpath of the package loads, its types included: who imports it must have those packages. */
export function packagesBehind(entry: string, files: readonly SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const seen = new Set([entry])
  const packages = new Set<string>()
  for (const path of seen) {
    const text = texts.get(path)
    if (text === undefined) throw new Error(`${path} is not there`)
    for (const { specifier } of importsOf(text)) {
      if (specifier.startsWith('.'))
        seen.add(resolved(path, specifier)) // a set visits what is added while it is walked
      else if (!isBuiltin(specifier)) packages.add(packageOf(specifier))
    }
  }
  return [...packages].sort()
}
