import type { SourceFile } from '../source/files.ts'

// Written in pieces, so that this file does not hold what it looks for.
const hosts = [
  'registry.npmjs',
  'npmjs',
  'registry.yarnpkg',
  'unpkg',
  'jsdelivr',
  'repo.maven',
  'repo1.maven',
  'pypi',
  'deb.debian',
].map((host) => host.replaceAll('.', String.raw`\.`))
const registry = new RegExp(
  `(?:^|[^a-z-])(?:${hosts.join('|')})\\.(?:apache\\.)?(?:org|com|net)|://(?:registry|repo|repo1|deb|proxy|static|files)\\.`,
  'i',
)
const homes = ['home', 'Users', 'root', 'work', 'workspace'].join('|')
const machinePath = new RegExp(`(?:^|[\\s"'\`(=:])/(?:${homes})/[\\w.-]+|[A-Z]:\\\\Users\\\\`)

/** Lines that name a package registry’s host or a path of somebody’s machine. */
export function textViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (text.includes('\0')) return [] // no text
    return text.split('\n').flatMap((line, i) => {
      if (registry.test(line)) return [`${path}:${i + 1}: the host of a package registry`]
      return machinePath.test(line) ? [`${path}:${i + 1}: a path of one machine`] : []
    })
  })
}
