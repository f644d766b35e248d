import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startServices } from '../../../dev-services/index.ts'
import { postgresOwner } from '../../../dev-services/local/postgres/postgres-owner.ts'
import { reachableTemporaryFolder } from '../../../dev-services/local/postgres/reachable.ts'
import { FaultStage } from '../world/fault-stage.ts'
import { until } from '../world/until.ts'

const megabytes = 48
/** Of a file that lies there at first, and is deleted to make room. */
const roomMegabytes = 16

/** Mounts a small file system in memory, or says why it cannot. */
async function mountSmallDisk(): Promise<{ folder: string; makeRoom: () => void } | { reason: string }> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { reason: 'only root may mount a small file system' }
  const owner = await postgresOwner()
  const mount = mkdtempSync(join(await reachableTemporaryFolder(owner), 'backstitch-small-disk-'))
  chmodSync(mount, 0o755)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', mount], {
      stdio: 'pipe',
    })
  } catch (error) {
    rmSync(mount, { recursive: true, force: true })
    return { reason: `mounting is not allowed here: ${String(error)}` }
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', mount])
    rmSync(mount, { recursive: true, force: true })
  })
  const folder = join(mount, 'tablespace')
  mkdirSync(folder)
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  const room = join(mount, 'room')
  writeFileSync(room, Buffer.alloc(roomMegabytes * 2 ** 20))
  return { folder, makeRoom: () => rmSync(room) }
}

test('with the disk full writers fail, nothing that was committed is lost, and once there is room all follows by itself', async (context) => {
  const disk = await mountSmallDisk()
  if ('reason' in disk) {
    context.skip(disk.reason)
    return
  }
  const services = await startServices({ own: true })
  onTestFinished(() => services.stop())
  const server = await FaultStage.open(services)
  onTestFinished(() => server.close())
  await server.pool.query(`create tablespace small location '${disk.folder}'`)
  const stage = await FaultStage.open(services, { tablespace: 'small' })
  onTestFinished(() => stage.close())
  await stage.pool.query(
    'create table ballast (bytes text); alter table ballast alter bytes set storage external',
  )
  const relay = stage.startRelay()
  const writers = stage.startWriters('disk', { ballastBytes: 50_000 })
  await stage.untilMore(50)
  await until('the disk is full', () => writers.failures > 50, 60_000)
  await until('it stays so for a while', () => writers.failures > 150, 60_000)
  disk.makeRoom()
  const before = writers.committed.length
  await until('the writers work again', () => writers.committed.length > before + 10)
  await until('the relay works', () => relay.state === 'running')
  expect(await stage.brokenPromises()).toEqual([])
})
