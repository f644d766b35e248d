import { parseArgs } from 'node:util'

/** What the demo is asked to do. */
export type DemoOptions = {
  /** Orders to place. */
  readonly orders: number
  /** The share of orders that will be refused, half of them for stock and half for payment. */
  readonly refuse: number
  /** Orders placed per second. */
  readonly rate: number
}

/** Reads `--orders 500 --refuse 0.2 --rate 100`. Ends the process with 2 when they make no sense. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      orders: { type: 'string', default: '500' },
      refuse: { type: 'string', default: '0.2' },
      rate: { type: 'string', default: '60' },
    },
  })
  const options = { orders: Number(values.orders), refuse: Number(values.refuse), rate: Number(values.rate) }
  if (
    !Number.isInteger(options.orders) ||
    options.orders < 10 ||
    !(options.refuse >= 0 && options.refuse <= 1) ||
    !(options.rate > 0)
  ) {
    console.error(
      'usage: npm run demo -- [--orders 500 (10 or more)] [--refuse 0.2 (0 to 1)] [--rate 60 (a second)]',
    )
    process.exit(2)
  }
  return options
}
