import { readFileSync } from 'node:fs';
import type { Moment } from '../domain/moment.js';

/** What time it is for actions. */
export interface Clock {
  now(): Moment;
}

const MS_PER_S = 1000;

/**
 * The clock of this machine. Linux counts /proc/uptime by CLOCK_BOOTTIME: it goes on while the
 * machine sleeps, so what ran out in the meantime is undone at the first tick after waking, while
 * timers of the process stand still in sleep and are only what calls for a tick.
 */
export class BootClock implements Clock {
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

  now(): Moment {
    const bootMs = Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * MS_PER_S;
    return { wallMs: Date.now(), bootMs, bootId: this.#bootId };
  }
}
