import type { Command } from 'commander'
import { runDoctor } from '../../runtime/doctor/run-doctor.ts'
import type { Finding } from '../../runtime/doctor/finding.ts'
import type { CliIo } from '../cli-io.ts'
import { commandContext, listOf } from '../command-context.ts'
import { exitCode } from '../output/exit-code.ts'
import { cellOf, renderTable } from '../output/render-table.ts'

/** `backstitch doctor`: what of a deployment breaks a promise, and how to mend it. */
export function addDoctorCommand(program: Command, io: CliIo, end: (exitCode: number) => void): void {
  program
    .command('doctor')
    .description(
      'examine the databases and brokers of the configuration: tables, settings, rights, topics; exit code 3 when something is wrong',
    )
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .addHelpText(
      'after',
      `
It changes nothing and waits for no server. Run it as the user of the processes, before a deployment and after.
Each finding is ok, warn (it works, and may not for long) or wrong (a promise is broken, or a process cannot work).

Examples:
  backstitch doctor
  backstitch doctor --json | jq '.[] | select(.verdict != "ok")'`,
    )
    .action(async (options: { database?: readonly string[] }, command: Command) => {
      const context = await commandContext(io, command)
      const findings = await runDoctor(context.config, options.database)
      context.print(findings, doctorReport)
      end(findings.some(({ verdict }) => verdict === 'wrong') ? exitCode.problems : exitCode.ok)
    })
}

/** The findings as a table, then what to know and to do about those that are not ok. */
function doctorReport(findings: readonly Finding[]): string {
  const table = renderTable(
    ['verdict', 'subject', 'check', 'found'],
    findings.map(({ verdict, subject, check, found }) => ({ verdict, subject, check, found })),
  )
  const troubles = findings
    .filter(({ verdict }) => verdict !== 'ok')
    .map(
      ({ verdict, subject, check, found, meaning, fix }) =>
        `\n${verdict}: ${cellOf(subject)}: ${check}: ${cellOf(found)}\n  ${cellOf(meaning)}\n  fix: ${cellOf(fix)}\n`,
    )
  const count = (wanted: Finding['verdict']): number =>
    findings.filter(({ verdict }) => verdict === wanted).length
  return `${table}${troubles.join('')}\n${count('ok')} ok, ${count('warn')} warn, ${count('wrong')} wrong\n`
}
