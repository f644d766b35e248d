/**
 * An error of this folder. It carries the mark and the fields of the package’s error class, which cannot be imported here (migrations are
 * frozen history and stand alone), so that `isBackstitchError` knows it.
 */
export function migrationError(
  code: 'CONFIG_INVALID' | 'SCHEMA_NEWER',
  summary: string,
  place: string,
  action: string,
): Error {
  const error = new TypeError(`${code}: ${summary} ${place}. ${action}`)
  return Object.assign(error, {
    name: 'BackstitchError',
    code,
    retriable: false,
    details: {},
    [Symbol.for('backstitch.error')]: true,
  })
}
