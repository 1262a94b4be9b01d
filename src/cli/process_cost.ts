import { readFileSync } from 'node:fs';

const SAMPLE_MS = 20;

/** What this process used so far, start-up included. */
export interface ProcessCost {
  readonly cpuSeconds: number;
  /** Most anonymous memory seen, sampled: pages of a mapped file are not memory that is used up. */
  readonly peakAnonymousBytes: number;
  /** The kernel's own high-water mark; it counts mapped pages of the capture as well. */
  readonly peakResidentBytes: number;
}

/** Watches the memory of this process while a run goes on. */
export class ProcessProbe {
  #timer: NodeJS.Timeout | undefined;
  #peakAnonymousBytes = 0;

  start(): void {
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  stop(): ProcessCost {
    clearInterval(this.#timer);
    const peakResidentBytes = this.#sample();
    const { user, system } = process.cpuUsage();
    return {
      cpuSeconds: (user + system) / 1e6,
      peakAnonymousBytes: this.#peakAnonymousBytes,
      peakResidentBytes,
    };
  }

  #sample(): number {
    const status = readFileSync('/proc/self/status', 'utf8');
    this.#peakAnonymousBytes = Math.max(this.#peakAnonymousBytes, kibibytes(status, 'RssAnon'));
    return kibibytes(status, 'VmHWM');
  }
}

function kibibytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status);
  return found === null ? 0 : Number(found[1]) * 1024;
}
