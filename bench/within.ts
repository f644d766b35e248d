/** Waits for work, but not for ever. @throws Error that says what it waited for */
export async function within<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      work(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${Math.round(ms / 1000)} s for ${what}`)), ms)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** A pause. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
