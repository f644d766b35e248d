import { describe, test } from 'vitest'
import { crashShop } from './crash-shop.ts'
import { killsOf } from './points.ts'

describe('a participant that is killed', () => {
  test.concurrent.for(killsOf('participant'))(
    'at $point, hit $hit, carries out every command once and answers it',
    (kill, context) =>
      crashShop({ part: 'participant', database: 'services', group: 'stock' }, kill, context),
  )
})
