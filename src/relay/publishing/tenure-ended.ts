/** Thrown where work is given up because the tenure of the outbox has ended; whoever ended it knows why. It never leaves the relay. */
export class TenureEnded extends Error {
  override readonly name = 'TenureEnded'
}
