import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'

/**
 * Runs a schema of the configuration and names each option that is wrong by its path. Values are never repeated: they may be secrets.
 * @param place the file, or where else the values come from
 * @throws `CONFIG_INVALID`
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  place: string,
): z.output<Schema> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, []))
  throw new BackstitchError(
    'CONFIG_INVALID',
    `${place}: ${problems.map(({ path, problem }) => `${path}: ${problem}`).join('; ')}`,
    { details: { problems } },
  )
}

type Issue = z.core.$ZodIssue
type Problem = { readonly path: string; readonly problem: string }

function problemsOf(issue: Issue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: textOf([...path, key]), problem: 'there is no such option' }))
  // Of a union, the form that was meant is the one whose fields are wrong rather than its kind.
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((issues) => issues.some((inner) => !isWrongKind(inner)))
    if (meant) return meant.flatMap((inner) => problemsOf(inner, path))
  }
  return [{ path: textOf(path), problem: issue.message }]
}

function isWrongKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0
}

function textOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '(the whole)' : path.map(String).join('.')
}
