import { expect, it } from 'vitest'
import { replyRecord, replyTopic, sagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const saga = orderSaga()

it.each([
  [
    'a constraint',
    `alter table backstitch.outbox add constraint no_bad check (aggregateid <> 'bad') not valid`,
  ],
  [
    'a trigger',
    `create function backstitch.refuse() returns trigger language plpgsql as $$ begin
       if new.aggregateid = 'bad' then raise exception 'not this one'; end if;
       return new;
     end $$;
     create trigger refuse before insert on backstitch.outbox for each row execute function backstitch.refuse()`,
  ],
])('parks the saga whose command %s refuses, and moves the others of its batch', async (_, sql) => {
  const world = await sagaWorld({ partitions: 1 })
  const [bad, good] = await world.transaction((tx) =>
    saga.startMany(tx, [
      { orderId: 'bad', total: 1 },
      { orderId: 'good', total: 1 },
    ]),
  )
  await world.pool.query(sql)
  const answers = await Promise.all(
    [bad!, good!].map(async ({ id }) =>
      replyRecord(await world.command(id, 1), 'ok', { reservationId: 'r' }),
    ),
  )
  await world.publish(
    replyTopic,
    answers.map((answer) => ({ ...answer, key: 'k' })),
  )
  await world.orchestrate([saga])
  expect(await world.command(good!.id, 2)).toMatchObject({ saga_step: 'hold' })
  expect(await world.ends(bad!.id, 'parked')).toMatchObject({
    reason: expect.stringContaining('SAGA_MESSAGE_FAILED') as string,
  })
})
