import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { apiKeys, BrokerProxy } from '../../conformance/transport/broker-proxy.ts'
import { realDrivers } from '../../conformance/transport/real-drivers.ts'
import { FaultStage } from '../world/fault-stage.ts'
import type { RelayProcess } from '../world/relay-process.ts'
import { pause, until } from '../world/until.ts'

const leaseDurationMs = 1_000
let services: OwnServices
beforeAll(async () => {
  services = await startServices({ own: true })
})
afterAll(() => services.stop())

describe.each(Object.keys(realDrivers))('a relay over %s', (driver) => {
  /** A relay at work beside its writers. */
  async function openStage(brokers?: readonly string[]): Promise<{ stage: FaultStage; relay: RelayProcess }> {
    const stage = await FaultStage.open(services, { leaseDurationMs, driver, ...(brokers && { brokers }) })
    onTestFinished(() => stage.close())
    const relay = stage.startRelay()
    stage.startWriters('kafka')
    await stage.untilMore(100)
    return { stage, relay }
  }

  test('while Kafka is down the lease is kept and the reason told; afterwards all follows by itself, in order', async () => {
    const { stage, relay } = await openStage()
    const epoch = async (): Promise<unknown> =>
      (await stage.pool.query('select max(epoch) as epoch from backstitch.outbox_checkpoint')).rows
    const before = await epoch()
    await services.kafka.kill('SIGKILL')
    await until('the relay says so', () => relay.state === 'failing')
    expect(relay.report.reason).toMatch(/^Kafka: /)
    await pause(3 * leaseDurationMs)
    expect(await epoch()).toEqual(before)
    await services.kafka.restart()
    await until('the relay works again', () => relay.state === 'running')
    expect(await stage.brokenPromises()).toEqual([])
    expect(await epoch()).toEqual(before)
  })

  test('a broker that freezes for a while costs duplicates at most', async () => {
    const { stage } = await openStage()
    for (let round = 0; round < 2; round++) {
      await services.kafka.kill('SIGSTOP')
      await pause(1_500)
      await services.kafka.kill('SIGCONT')
      await stage.untilMore(100)
    }
    expect(await stage.brokenPromises()).toEqual([])
  })

  describe('on the way to the broker', () => {
    async function openBehindProxy(): Promise<{
      stage: FaultStage
      relay: RelayProcess
      proxy: BrokerProxy
    }> {
      const proxy = await BrokerProxy.start(services.kafka.brokers)
      onTestFinished(() => proxy.close())
      return { ...(await openStage(proxy.brokers)), proxy }
    }

    test('a black hole of three lease terms is given up in time, and gone round once it is over', async () => {
      const { stage, relay, proxy } = await openBehindProxy()
      for (let round = 0; round < 2; round++) {
        proxy.hang()
        await pause(3 * leaseDurationMs)
        proxy.resume()
        await stage.untilMore(100)
      }
      await until('the relay works', () => relay.state === 'running')
      expect(await stage.brokenPromises()).toEqual([])
    })

    test('connections that are dead without a word are replaced', async () => {
      const { stage, proxy } = await openBehindProxy()
      for (let round = 0; round < 2; round++) {
        proxy.hangPresent()
        await stage.untilMore(100)
      }
      expect(await stage.brokenPromises()).toEqual([])
    })

    test('answers that get lost are asked for again: what they acknowledged comes twice at most, and nothing is overtaken (rule C19)', async () => {
      const { stage, proxy } = await openBehindProxy()
      for (let round = 0; round < 5; round++) {
        proxy.loseNextAnswer(apiKeys.produce)
        await stage.untilMore(50)
      }
      expect(await stage.brokenPromises()).toEqual([])
    })

    test('connections that are cut again and again are opened again', async () => {
      const { stage, proxy } = await openBehindProxy()
      for (let round = 0; round < 10; round++) {
        proxy.cut()
        await pause(100)
      }
      await stage.untilMore(100)
      expect(await stage.brokenPromises()).toEqual([])
    })
  })
})
