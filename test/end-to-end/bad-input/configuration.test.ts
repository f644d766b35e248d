import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandResult, startBackstitch } from '../../integration/cli/backstitch-process.ts'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'backstitch-configuration-')))
})
afterEach(() => rm(folder, { recursive: true }))

const configured = (text: string): Promise<void> => writeFile(join(folder, 'backstitch.config.ts'), text)
const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<CommandResult> =>
  startBackstitch(words, { folder, environment }).ended

test.each(['relay', 'orchestrator', 'migrate'])(
  '%s ends with 2 on an unknown option, and names the file, the option and where to look',
  async (command) => {
    await configured(`export default { databases: [{ name: 'shop' }], relay: { leaseMs: 500 }, kafkas: {} }`)
    const { code, out, err } = await run([command])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toBe(
      `CONFIG_INVALID: The configuration is invalid. ${join(folder, 'backstitch.config.ts')}: ` +
        'relay.leaseMs: there is no such option; kafkas: there is no such option. ' +
        'Correct the option that is named; see docs/configuration.md.\n',
    )
  },
)

test('with neither a file nor an environment it ends with 2 and says what there could be', async () => {
  const { code, out, err } = await run(['relay'])
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toBe(
    'CONFIG_NOT_FOUND: No backstitch.config.ts was found. Nor is DATABASE_URL set. ' +
      'Run the command in the folder that holds it, or name it with --config.\n',
  )
})

test.each<[string, string, Record<string, string>, RegExp]>([
  [
    'the brokers',
    'export default {}',
    { DATABASE_URL: 'postgres://u@127.0.0.1:1/shop' },
    /^CONFIG_INVALID: .* kafka\.brokers: set it, or KAFKA_BROKERS, or --brokers\. /,
  ],
  [
    'the address of one of several databases',
    `export default { databases: [{ name: 'orders' }, { name: 'stock' }] }`,
    {
      KAFKA_BROKERS: '127.0.0.1:1',
      DATABASE_URL_ORDERS: 'postgres://u@127.0.0.1:1/orders',
      DATABASE_URL: 'postgres://u@127.0.0.1:1/x',
    },
    /^CONFIG_INVALID: .* databases: "stock" has no url: set DATABASE_URL_STOCK/,
  ],
])(
  'where the environment lacks %s it ends with 2 and names the variable',
  async (_, text, environment, says) => {
    await configured(text)
    const { code, out, err } = await run(['relay'], environment)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(says)
  },
)

test('a variable that holds nonsense is named, and its value, which may be a secret, is not repeated', async () => {
  const { code, err } = await run(['relay'], { DATABASE_URL: 'hunter2', KAFKA_BROKERS: '127.0.0.1:1' })
  expect(code).toBe(2)
  expect(err).toMatch(/^CONFIG_INVALID: .* environment: DATABASE_URL: it is no URL/)
  expect(err).not.toContain('hunter2')
})
