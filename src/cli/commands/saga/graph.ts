import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { BackstitchError, reasonOf } from '../../../kernel/errors.ts'
import type { Config } from '../../../runtime/config.ts'
import { compareGraphs, type GraphComparison } from '../../../saga/graph/compare-graphs.ts'
import { drawGraph } from '../../../saga/graph/draw-graph.ts'
import { isSagaGraph, type SagaGraph } from '../../../saga/graph/saga-graph.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { limitOf } from '../../operator-options.ts'
import { exitCode } from '../../output/exit-code.ts'
import { renderTable } from '../../output/render-table.ts'

type Chosen = { readonly sagaVersion?: number }

/** `backstitch saga graph`: a definition of the configuration as a drawing, or as data to keep. */
export function addGraphCommand(saga: Command, io: CliIo): void {
  saga
    .command('graph')
    .description('draw a definition of the configuration, as Mermaid; with --json as data for `saga diff`')
    .argument('<name>', 'the name of the saga')
    .option('--saga-version <number>', 'default: the newest', limitOf)
    .addHelpText(
      'after',
      '\nExamples:\n  backstitch saga graph place-order\n  backstitch saga graph place-order --json > place-order.graph.json',
    )
    .action(async (name: string, { sagaVersion }: Chosen, command: Command) => {
      const context = await commandContext(io, command)
      context.print(graphOf(context.config, name, sagaVersion), drawGraph)
    })
}

/** `backstitch saga diff`: what a change of a definition means for the sagas that run. */
export function addDiffCommand(saga: Command, io: CliIo, end: (exitCode: number) => void): void {
  saga
    .command('diff')
    .description('compare a definition of the configuration with an older form of it, for those that run')
    .argument('<name>', 'the name of the saga')
    .argument('<file>', 'the older form, as `saga graph --json` wrote it')
    .option('--saga-version <number>', 'of the newer form; default: the newest', limitOf)
    .addHelpText(
      'after',
      `
safe: running sagas may go on with the new form. migrate: those that have not come to the changed place may be moved to it.
pin: those that have begun the step must end on the old form. Exit code 3 when such a change has kept the old version.

Example:
  backstitch saga diff place-order place-order.graph.json`,
    )
    .action(async (name: string, file: string, { sagaVersion }: Chosen, command: Command) => {
      const context = await commandContext(io, command)
      const older = await readGraph(resolve(io.folder, file))
      const comparison = compareGraphs(older, graphOf(context.config, name, sagaVersion))
      context.print(comparison, comparisonReport)
      end(comparison.needsVersion ? exitCode.problems : exitCode.ok)
    })
}

function graphOf(config: Config, name: string, version: number | undefined): SagaGraph {
  const named = (config.orchestrator?.sagas ?? []).filter((saga) => saga.name === name)
  const [found] = named
    .filter((saga) => version === undefined || saga.version === version)
    .toSorted((one, other) => other.version - one.version)
  if (found !== undefined) return found.graph
  const versions = named.map((saga) => `v${saga.version}`).join(', ')
  throw new BackstitchError(
    'SAGA_DEFINITION_UNKNOWN',
    version === undefined || versions === ''
      ? `${name}: the configuration has no saga of this name`
      : `${name} v${version}: the configuration has ${versions}`,
  )
}

async function readGraph(file: string): Promise<SagaGraph> {
  let graph: unknown
  try {
    graph = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `${file}: ${reasonOf(cause)}`, { cause })
  }
  if (!isSagaGraph(graph))
    throw new BackstitchError('CONFIG_INVALID', `${file}: it is no graph as \`saga graph --json\` writes it`)
  return graph
}

function comparisonReport({ verdict, changes, needsVersion }: GraphComparison): string {
  if (changes.length === 0) return 'nothing changed\n'
  const table = renderTable(
    ['verdict', 'step', 'change'],
    changes.map((change) => ({ verdict: change.verdict, step: change.step, change: change.what })),
  )
  const advice = needsVersion ? 'Raise the version: running sagas would notice.\n' : ''
  return `${table}\n${verdict}\n${advice}`
}
