import { tickOf } from '../../src/domain/tick.js';
import type { ScoreSheet } from '../baselines/baseline.js';
import { tickKey } from './data_set.js';

/** The scores of one method for one capture: the largest for each address and tick. */
export class TickScores implements ScoreSheet {
  readonly #scores = new Map<string, number>();
  readonly #ticksOf = new Map<string, number[]>();

  raise(address: string, timeUs: number, score: number): void {
    this.raiseTick(address, tickOf(timeUs), score);
  }

  raiseTick(address: string, tick: number, score: number): void {
    if (Number.isNaN(score)) throw new Error(`the score of ${address} is no number`);
    const key = tickKey(address, tick);
    const before = this.#scores.get(key);
    if (before !== undefined && before >= score) return;
    this.#scores.set(key, score);
    if (before !== undefined) return;
    const ticks = this.#ticksOf.get(address);
    if (ticks === undefined) this.#ticksOf.set(address, [tick]);
    else ticks.push(tick);
  }

  /** 0 where nothing was said. */
  at(address: string, tick: number): number {
    return this.#scores.get(tickKey(address, tick)) ?? 0;
  }

  /**
   * What was said last, at most `ticksMost` ago, for what stands until more is known; `absent` where
   * nothing was.
   */
  standing(
    address: string,
    tick: number,
    { ticksMost, absent }: { readonly ticksMost: number; readonly absent: number },
  ): number {
    const ticks = this.#ticksOf.get(address) ?? [];
    // Ticks were raised in order, but for those that a run's end adds.
    for (let i = ticks.length - 1; i >= 0; i--) {
      const before = tick - ticks[i]!;
      if (before >= 0) return before <= ticksMost ? this.at(address, ticks[i]!) : absent;
    }
    return absent;
  }

  /** Addresses with the ticks in which they reached a score, in order. */
  reaching(from: number): Map<string, number[]> {
    const found = new Map<string, number[]>();
    for (const [address, ticks] of this.#ticksOf) {
      const reached = ticks.filter((tick) => this.at(address, tick) >= from);
      if (reached.length > 0) {
        found.set(
          address,
          reached.sort((a, b) => a - b),
        );
      }
    }
    return found;
  }
}
