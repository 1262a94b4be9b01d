import type { NativeStats } from './addon_types.js';
import { counter } from './run_stats.js';

const SAMPLE_US = 1e6;
const SAMPLES_MOST = 60;

interface Sample {
  readonly atUs: number;
  readonly frames: number;
  readonly lost: number;
  readonly flows: number;
  readonly uninspected: number;
}

/** How much of what there was to see in the last minute a live run has not seen. */
export class LossMeter {
  /** Oldest first, a second apart. */
  readonly #samples: Sample[] = [];

  /** Takes the counters, at most once a second. */
  note(nowUs: number, stats: () => NativeStats): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && nowUs - last.atUs < SAMPLE_US) return;
    this.#samples.push(sampleOf(nowUs, stats()));
    if (this.#samples.length > SAMPLES_MOST) this.#samples.shift();
  }

  /**
   * 0 to 1: the share of frames that nobody read, or of flows that nobody looked into if that is
   * larger.
   */
  get share(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return 0;
    const frames = shareOf(last.lost - first.lost, last.frames - first.frames);
    const flows = shareOf(last.uninspected - first.uninspected, last.flows - first.flows);
    return Math.max(frames, flows);
  }
}

const shareOf = (part: number, whole: number): number =>
  whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole));

function sampleOf(atUs: number, stats: NativeStats): Sample {
  const cardDrops = counter(stats, 'nic_drops');
  return {
    atUs,
    frames: counter(stats, 'kernel_frames') + cardDrops,
    lost: counter(stats, 'kernel_drops') + cardDrops,
    flows: counter(stats, 'flows'),
    uninspected: counter(stats, 'uninspected_flows'),
  };
}
