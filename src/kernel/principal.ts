/**
 * Who acts: a person, or a service that acts by itself. `id` is the name by which people know it (a user’s name, an address, a service’s
 * name). What it may do is no part of it: that is looked up where it is decided.
 */
export type Principal = { readonly id: string; readonly kind: 'person' | 'service' }
