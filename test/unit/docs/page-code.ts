import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The code of a page: each block is a file that its readers may copy. */
export type PageCode = {
  readonly text: string
  /** Blocks, and those that name their file. */
  readonly blocks: number
  readonly files: readonly string[]
  /** Compiles all of them as strictly as an application would. */
  compile(): Promise<{ code: number | null; output: string }>
  remove(): Promise<void>
}

/** Lays out the code of a page of `docs`, with files beside it that it imports. */
export async function pageCode(
  page: string,
  beside: Readonly<Record<string, string>> = {},
): Promise<PageCode> {
  const text = await readFile(`${root}docs/${page}.md`, 'utf8')
  const folder = `${root}.cache/${page}/`
  const own = [...text.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g)].map(([, code = '', file = '']) => [
    file,
    code,
  ])
  await rm(folder, { recursive: true, force: true })
  for (const [file = '', code = ''] of [
    ...own,
    ...Object.entries(beside),
    ['tsconfig.json', JSON.stringify(settings)],
  ]) {
    await mkdir(`${folder}${file}`.replace(/[^/]*$/, ''), { recursive: true })
    await writeFile(`${folder}${file}`, code)
  }
  return {
    text,
    blocks: text.match(/```ts\n/g)?.length ?? 0,
    files: own.map(([file = '']) => file),
    compile: () => compile(folder),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

const settings = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    customConditions: ['backstitch-source'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['**/*.ts'],
}

function compile(folder: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(`${root}node_modules/.bin/tsc`, ['-p', folder])
    let output = ''
    child.stdout.on('data', (text: Buffer) => (output += text.toString()))
    child.stderr.on('data', (text: Buffer) => (output += text.toString()))
    child.once('exit', (code) => resolve({ code, output }))
  })
}
