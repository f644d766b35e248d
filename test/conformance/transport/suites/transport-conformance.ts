import type { TransportHarness } from '../transport-harness.ts'
import { adminConformance } from './admin-conformance.ts'
import { groupAdminConformance } from './group-admin-conformance.ts'
import { handOverConformance } from './hand-over-conformance.ts'
import { publisherConformance } from './publisher-conformance.ts'
import { subscriberConformance } from './subscriber-conformance.ts'

/** What every transport must do, whatever its driver. */
export function transportConformance(harness: () => TransportHarness): void {
  publisherConformance(harness)
  subscriberConformance(harness)
  handOverConformance(harness)
  adminConformance(harness)
  groupAdminConformance(harness)
}
