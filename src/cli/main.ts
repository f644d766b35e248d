#!/usr/bin/env node
import process from 'node:process'
import type { CliIo } from './cli-io.ts'
import { runCli } from './run-cli.ts'

/** Whether this is a process that runs until a signal, and drains then. */
let drains = false

const io: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  folder: process.cwd(),
  onSignal: (listener) => {
    drains = true
    process.on('SIGTERM', listener).on('SIGINT', listener)
    return () => void process.off('SIGTERM', listener).off('SIGINT', listener)
  },
  exit: (code) => process.exit(code),
}

// A reader that has had enough (`| head`) is no failure. A process that drains has more to do than to write its log, and goes on without.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' && !drains) process.exit(0)
})
process.stderr.on('error', () => undefined)

process.exitCode = await runCli(process.argv.slice(2), io)
// The process ends by itself. Should a connection still hold it, it has had its time.
setTimeout(() => process.exit(), 2_000).unref()
