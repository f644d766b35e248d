import type { HeaderFields } from '../../message/wire-headers.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'

/** What a record holds as its message’s body. */
export type WireContent =
  /** Nothing: a tombstone. */
  | { readonly kind: 'none' }
  /** What the consumer’s codec decodes; it refuses a content type that is not its own. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly contentType?: string }
  /** A body that needs no decoding any more. */
  | { readonly kind: 'body'; readonly body: unknown }

/** A record as a message, before its body is decoded and validated. What is absent counts as it does in a record of ours. */
export type WireMessage = Partial<Omit<HeaderFields, 'contentType'>> & {
  /** Default: the record’s key as text. */
  readonly key?: string
  readonly content: WireContent
}

/** What a format may use. */
export type FormatTools = {
  /**
   * Parses JSON within the consumer’s limits of size and depth.
   * @throws `MESSAGE_MALFORMED`, `MESSAGE_TOO_LARGE`
   */
  readonly parseJson: (bytes: Buffer) => unknown
}

/**
 * How the records of a topic say what they are: backstitch’s own way, CloudEvents, and whatever else producers have agreed on. A consumer takes a
 * format for each topic that needs one; write your own where none fits.
 */
export type MessageFormat = {
  /**
   * The type of a record, where it can be told without its value: a record of a type that nobody wants is passed over before anything else is
   * looked at. Default: it cannot.
   */
  readonly typeOf?: (record: ReceivedRecord) => string | undefined
  /**
   * What the record says. What it throws makes the record a dead letter; an error of backstitch keeps its code, any other is
   * `MESSAGE_MALFORMED`.
   */
  readonly read: (record: ReceivedRecord, tools: FormatTools) => WireMessage
}

/** Formats by the whole name of the topic. Other topics have the standard one: backstitch’s own records, and CloudEvents. */
export type MessageFormats = Readonly<Record<string, MessageFormat>>
