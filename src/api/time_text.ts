let cachedSecond = Number.NaN;
let cachedPrefix = '';

/**
 * A time as EVE writes it, always in UTC: "2026-11-20T20:20:00.123456+0000".
 * The text of the last second is kept, since neighbours in a run share it.
 * @param us microseconds since 1970
 */
export function eveTime(us: number): string {
  const whole = Math.floor(us);
  const second = Math.floor(whole / 1e6);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedPrefix = isoSecond(second);
  }
  return `${cachedPrefix}.${String(whole - second * 1e6).padStart(6, '0')}+0000`;
}

/** "2026-11-20 20:20:00" in UTC, for people. */
export function plainTime(us: number): string {
  return isoSecond(Math.floor(us / 1e6)).replace('T', ' ');
}

/** "20:20:00" in UTC. */
export function plainClock(us: number): string {
  return plainTime(us).slice(-8);
}

/** A span in the one or two units that matter: "340 ms", "12.5 s", "3 min 20 s", "2 h 5 min". */
export function plainSpan(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 1) return `${Math.round(us / 1e3)} ms`;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const steps = [
    [86400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ] as const;
  for (const [large, largeName, small, smallName] of steps) {
    const inSmall = Math.round(seconds / small);
    if (inSmall * small < large) continue;
    const rest = inSmall % (large / small);
    return `${Math.floor((inSmall * small) / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ''}`;
  }
  return `${Math.round(seconds)} s`;
}

// Times outside of what a Date can hold come from damaged captures; they are shown as its limits.
function isoSecond(second: number): string {
  const limit = 8.64e12;
  const date = new Date(Math.max(-limit, Math.min(limit, second || 0)) * 1e3);
  return date.toISOString().slice(0, -5);
}
