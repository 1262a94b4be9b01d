/** Beyond this the wall clock was set, or has drifted from the steady one. */
const MOST_DRIFT_US = 2000;
const US_PER_MS = 1000;

let originUs = performance.timeOrigin * US_PER_MS;

/** Microseconds since 1970 of the clock that stamps packets, finer than `Date.now()`. */
export function wallClockUs(): number {
  const steadyUs = performance.now() * US_PER_MS;
  const wallUs = Date.now() * US_PER_MS;
  if (Math.abs(originUs + steadyUs - wallUs) > MOST_DRIFT_US) originUs = wallUs - steadyUs;
  return originUs + steadyUs;
}
