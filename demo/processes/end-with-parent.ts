// Loaded before each process of the demo: when the demo ends, however it does, the channel to it closes, and nothing is left running.
process.once('disconnect', () => process.exit(1))
process.channel?.unref()
