/** Resolves to `true` once the work has ended, well or badly, and to `false` when `ms` have passed before. Never rejects. */
export function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    const settle = (): void => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(settle, settle)
  })
}
