/** Models move on at ticks of engine time; sequential tests do not wait for them. */
export const TICK_US = 5_000_000;

/** Ticks in a day: 17,280. */
export const TICKS_PER_DAY = 86_400_000_000 / TICK_US;

/** The tick that a moment of engine time lies in. */
export function tickOf(timeUs: number): number {
  return Math.floor(timeUs / TICK_US);
}
