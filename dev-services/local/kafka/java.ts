import { join } from 'node:path'
import { runProgram } from '../run-program.ts'

const JAVA_MIN = 17

/** The path of a Java that can run Kafka: `JAVA_HOME`, else `java` on the path. @throws Error naming what is missing. */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  const result = await runProgram(java, ['-version']).catch(() => undefined)
  if (result === undefined || result.code !== 0) throw new Error(`no Java (tried "${java} -version")`)
  const version = /version "(\d+)/.exec(result.stderr)?.[1]
  if (version === undefined || Number(version) < JAVA_MIN) {
    throw new Error(`Java ${JAVA_MIN} or later is needed, "${java}" is version ${version ?? 'unknown'}`)
  }
  return java
}
