import type { RunProgress } from '../engine/pipeline.js';
import { complain } from './console.js';

/** At most five a second, so that a slow terminal does not slow the run. */
const REWRITE_MS = 250;
const CLEAR_LINE = '\r\x1b[K';

/** One line on a terminal that is rewritten while a run goes on. Says nothing elsewhere. */
export class ProgressLine {
  readonly #progress: () => RunProgress | null;
  readonly #prefix: string;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;
  #lastMs = 0;
  #lastBytes = 0;

  /** @param prefix stands before it, such as "3/100 · " */
  constructor(progress: () => RunProgress | null, prefix: string) {
    this.#progress = progress;
    this.#prefix = prefix;
  }

  start(): void {
    if (!process.stderr.isTTY) return;
    this.#lastMs = performance.now();
    this.#lastBytes = 0;
    this.#timer = setInterval(() => this.#rewrite(), REWRITE_MS).unref();
  }

  /** Takes the line away, so that what follows starts on an empty one. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#shown) complain(CLEAR_LINE);
    this.#shown = false;
  }

  #rewrite(): void {
    const progress = this.#progress();
    if (progress === null) return;
    const nowMs = performance.now();
    const gigabits = ((progress.bytes - this.#lastBytes) * 8) / ((nowMs - this.#lastMs) * 1e6);
    this.#lastMs = nowMs;
    this.#lastBytes = progress.bytes;
    const width = Math.max(20, process.stderr.columns - 1);
    const text = this.#prefix + progressText(progress, gigabits);
    complain(CLEAR_LINE + text.slice(0, width));
    this.#shown = true;
  }
}

/** For example "12,345,678 packets · 3.20 Gbit/s · 41 % · 2 incidents · 0 drops". */
export function progressText(progress: RunProgress, gigabitsPerSecond: number): string {
  const { packets, incidents, drops, shareDone } = progress;
  const parts = [
    count(packets, 'packet'),
    `${Math.max(0, gigabitsPerSecond).toFixed(2)} Gbit/s`,
    shareDone === null ? null : `${Math.floor(shareDone * 100)} %`,
    count(incidents, 'incident'),
    count(drops, 'drop'),
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

const count = (n: number, what: string): string =>
  `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;
