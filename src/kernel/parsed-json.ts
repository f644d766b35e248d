/** The value of a JSON text, or the text itself where it is none: for those who look at what is stored, whatever it has become. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
