import { resolved } from './house.ts'
import { importsOf } from '../source/imports.ts'
import type { SourceFile } from '../source/files.ts'

/** Groups of files that import one another in a circle, types and dynamic imports included. (Tarjan's strongly connected components.) */
export function cyclesOf(files: readonly SourceFile[]): string[][] {
  const targets = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolved(path, specifier)),
    ]),
  )
  const seen = new Map<string, { readonly number: number; low: number }>()
  const path: string[] = []
  const open = new Set<string>()
  const cycles: string[][] = []

  const visit = (file: string): { readonly number: number; low: number } => {
    const mark = { number: seen.size, low: seen.size }
    seen.set(file, mark)
    path.push(file)
    open.add(file)
    for (const target of targets.get(file) ?? []) {
      const known = seen.get(target)
      if (known && open.has(target)) mark.low = Math.min(mark.low, known.number)
      else if (!known && targets.has(target)) mark.low = Math.min(mark.low, visit(target).low)
    }
    if (mark.low === mark.number) {
      const group = path.splice(path.indexOf(file))
      for (const member of group) open.delete(member)
      if (group.length > 1 || targets.get(file)?.includes(file)) cycles.push(group.sort())
    }
    return mark
  }
  for (const file of targets.keys()) if (!seen.has(file)) visit(file)
  return cycles
}
