import type { RunProgress } from '../engine/pipeline.js';
import { complain } from './console.js';

/** At most five a second, so that a slow terminal does not slow the run. */
const REWRITE_MS = 250;
const CLEAR_LINE = '\r\x1b[K';

/** What went by in the moment before. */
export interface Rates {
  readonly gigabitsPerSecond: number;
  readonly packetsPerSecond: number;
}

export type ProgressText = (progress: RunProgress, rates: Rates) => string;

/** One line on a terminal that is rewritten while a run goes on. Says nothing elsewhere. */
export class ProgressLine {
  readonly #progress: () => RunProgress | null;
  readonly #text: ProgressText;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;
  #lastMs = 0;
  #lastBytes = 0;
  #lastPackets = 0;

  constructor(progress: () => RunProgress | null, text: ProgressText) {
    this.#progress = progress;
    this.#text = text;
  }

  start(): void {
    if (!process.stderr.isTTY) return;
    this.#lastMs = performance.now();
    this.#lastBytes = 0;
    this.#lastPackets = 0;
    this.#timer = setInterval(() => this.#rewrite(), REWRITE_MS).unref();
  }

  /** Takes the line away, so that what follows starts on an empty one. */
  stop(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  /** Takes the line away until it is rewritten. */
  clear(): void {
    if (this.#shown) complain(CLEAR_LINE);
    this.#shown = false;
  }

  #rewrite(): void {
    const progress = this.#progress();
    if (progress === null) return;
    const nowMs = performance.now();
    const ms = nowMs - this.#lastMs;
    const gigabitsPerSecond = Math.max(0, progress.bytes - this.#lastBytes) / (ms * 125_000);
    const packetsPerSecond = (1000 * Math.max(0, progress.packets - this.#lastPackets)) / ms;
    this.#lastMs = nowMs;
    this.#lastBytes = progress.bytes;
    this.#lastPackets = progress.packets;
    const width = Math.max(20, process.stderr.columns - 1);
    const text = this.#text(progress, { gigabitsPerSecond, packetsPerSecond });
    complain(CLEAR_LINE + text.slice(0, width));
    this.#shown = true;
  }
}

/** For example "12,345,678 packets · 3.20 Gbit/s · 41 % · 2 incidents · 0 drops". */
export function progressText(progress: RunProgress, { gigabitsPerSecond }: Rates): string {
  const { packets, incidents, drops, shareDone } = progress;
  const parts = [
    count(packets, 'packet'),
    `${gigabitsPerSecond.toFixed(2)} Gbit/s`,
    shareDone === null ? null : `${Math.floor(shareDone * 100)} %`,
    count(incidents, 'incident'),
    count(drops, 'drop'),
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

/** For example "18,204 packets/s · 0.13 Gbit/s · 1,024 flows · 2 incidents · 0 drops". */
export function statusText(progress: RunProgress, rates: Rates): string {
  const { flowsActive, incidents, drops } = progress;
  return [
    `${Math.round(rates.packetsPerSecond).toLocaleString('en-US')} packets/s`,
    `${rates.gigabitsPerSecond.toFixed(2)} Gbit/s`,
    count(flowsActive, 'flow'),
    count(incidents, 'incident'),
    count(drops, 'drop'),
  ].join(' · ');
}

const count = (n: number, what: string): string =>
  `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;
