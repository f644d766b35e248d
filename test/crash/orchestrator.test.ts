import { describe, test } from 'vitest'
import { crashShop } from './crash-shop.ts'
import { killsOf } from './points.ts'

describe('an orchestrator that is killed', () => {
  test.concurrent.for(killsOf('orchestrator'))(
    'at $point, hit $hit, leaves every saga to end as it must',
    (kill, context) =>
      crashShop({ part: 'orchestrator', database: 'orders', group: 'orchestrator' }, kill, context),
  )
})
