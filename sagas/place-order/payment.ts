import { handle } from 'backstitch'
import { ChargeCard } from './messages.ts'

/** The payment service’s own tables: money moves from a card to the shop, and each move is an entry. */
export const paymentTables = `
create table if not exists card (card text primary key, balance bigint not null, blocked boolean not null default false);
create table if not exists entry (payment_id text not null, order_id uuid not null, card text not null, amount bigint not null);
create table if not exists shop (only_row boolean primary key default true, balance bigint not null);
insert into shop (balance) values (0) on conflict do nothing`

/** Handles the commands to payment. */
export const paymentHandlers = [
  handle(ChargeCard, async ({ orderId, card, amount }, { tx, ok, rejected }) => {
    const { rows } = await tx.query<{ balance: string; blocked: boolean }>(
      'select balance, blocked from card where card = $1 for update',
      [card],
    )
    const account = rows[0]
    if (!account || account.blocked) return rejected.cardDeclined({ reason: 'the bank declined the card' })
    if (Number(account.balance) < amount) return rejected.cardDeclined({ reason: 'insufficient funds' })
    const paymentId = `P-${orderId.slice(-12)}`
    await tx.query(
      `with paid as (update card set balance = balance - $3 where card = $4),
       noted as (insert into entry (payment_id, order_id, card, amount) values ($1, $2, $4, $3))
       update shop set balance = balance + $3`,
      [paymentId, orderId, amount, card],
    )
    return ok({ paymentId })
  }),
]
