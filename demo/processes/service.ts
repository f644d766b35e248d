import { createConsumer, createParticipant } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { Pool } from 'pg'
import { pino } from 'pino'
import { paymentHandlers } from '../../sagas/place-order/payment.ts'
import { salesHandlers } from '../../sagas/place-order/sales.ts'
import { shippingHandlers } from '../../sagas/place-order/shipping.ts'
import { stockHandlers } from '../../sagas/place-order/stock.ts'

// One of the services that take part, by name: `service.ts stock`.
const name = process.argv[2]!
const logger = pino({ name })
const database = new Pool({ connectionString: process.env[`DEMO_${name.toUpperCase()}_URL`], max: 8 })
const transport = kafkajs({ brokers: process.env['KAFKA_BROKERS']!.split(','), clientId: name, logger })

const participants = { stock: stockHandlers, payment: paymentHandlers, shipping: shippingHandlers }
const part =
  name === 'sales'
    ? createConsumer({ database, transport, group: 'sales', handlers: salesHandlers, logger })
    : createParticipant({
        database,
        transport,
        service: name,
        handlers: participants[name as keyof typeof participants],
        logger,
      })

process.once('SIGTERM', () => void part.stop().then(() => process.exit(0)))
await part.start()
process.send?.('ready')
