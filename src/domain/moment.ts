/**
 * A point in time that survives a restart of the process, of the machine, and a clock that is set.
 * Within one boot `bootMs` alone counts: it never goes back, and goes on while the machine sleeps.
 */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds since the machine was started, sleep included (CLOCK_BOOTTIME). */
  readonly bootMs: number;
  /** Which start of the machine `bootMs` counts from. */
  readonly bootId: string;
}

/** A moment by which something has to happen, and how far away it was when it was set. */
export interface Deadline extends Moment {
  readonly spanMs: number;
}

export function deadlineAfter(now: Moment, spanMs: number): Deadline {
  return { wallMs: now.wallMs + spanMs, bootMs: now.bootMs + spanMs, bootId: now.bootId, spanMs };
}

/**
 * Milliseconds until a deadline, never more than it was away at first. After a restart of the
 * machine only the wall clock is left; one that was set back costs at most the span once more.
 */
export function remainingMs(deadline: Deadline, now: Moment): number {
  const left =
    deadline.bootId === now.bootId ? deadline.bootMs - now.bootMs : deadline.wallMs - now.wallMs;
  return Math.min(Math.max(left, 0), deadline.spanMs);
}

/** Milliseconds since a moment, never negative. */
export function elapsedMs(since: Moment, now: Moment): number {
  const passed =
    since.bootId === now.bootId ? now.bootMs - since.bootMs : now.wallMs - since.wallMs;
  return Math.max(passed, 0);
}
