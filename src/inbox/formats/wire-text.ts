import type { ReceivedRecord } from '../../transport/subscriber.ts'

/** The last header of a name, as text. */
export function headerText(record: ReceivedRecord, name: string): string | undefined {
  for (let index = record.headers.length - 1; index >= 0; index--) {
    const header = record.headers[index]
    if (header?.[0] === name) return header[1].toString('utf8')
  }
  return undefined
}

/** All headers as texts by name, the last one of a name. */
export function headerTexts(record: ReceivedRecord): Record<string, string> {
  const texts = Object.create(null) as Record<string, string>
  for (const [name, value] of record.headers) texts[name] = value.toString('utf8')
  return texts
}

/** `application/json; charset=utf-8` is `application/json`. */
export function mediaType(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** Whether a content type is JSON or, by its suffix, a kind of it. */
export function isJson(contentType: string): boolean {
  return (
    contentType === 'application/json' || /^(application|text)\/json$|\+json$/.test(mediaType(contentType))
  )
}
