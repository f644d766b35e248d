export { platformatic } from './transport.ts'
export type { PlatformaticOptions, PlatformaticSasl } from './options.ts'
