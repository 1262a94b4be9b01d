import type { Evidence } from '../domain/evidence.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Pieces of evidence kept for an entity. */
export const EVIDENCE_MOST = 64;

/** A piece that adds this share to the number of pieces is kept even when it is not telling. */
const NEWS_SHARE = 1 / 8;

const NOTHING: readonly Evidence[] = [];

/**
 * Keeps the first, the last and the most telling pieces of evidence of an entity, and counts all.
 * Asks before a piece is put into words, so that the ten-thousandth probe of a scan costs nothing.
 */
export class EvidenceKeeper {
  #kept: readonly Evidence[] = NOTHING;
  #leastTelling = Infinity;
  #keptAtCount = 0;
  count = 0;

  /** Counts a piece that supports an attack; true when it should be put into words and kept. */
  wants(lnE: number): boolean {
    this.count++;
    return (
      this.#kept.length < EVIDENCE_MOST ||
      lnE > this.#leastTelling ||
      this.count >= (1 + NEWS_SHARE) * this.#keptAtCount
    );
  }

  keep(evidence: Evidence): void {
    this.#keptAtCount = this.count;
    if (this.#kept.length === EVIDENCE_MOST) {
      this.#kept = this.#kept.toSpliced(this.#leastTellingIndex(), 1);
    }
    // A list that is pushed to makes room for 16 more, and most keep few.
    this.#kept = this.#kept.concat(evidence);
    this.#leastTelling = this.#kept[this.#leastTellingIndex()]!.lnE;
  }

  /** What is kept, in time order. */
  list(): readonly Evidence[] {
    return this.#kept;
  }

  save(out: StateWriter): void {
    out.f64(this.count);
    out.f64(this.#keptAtCount);
    out.json(this.#kept);
  }

  /** REQUIRES: nothing was kept yet. */
  restore(from: StateReader): void {
    this.count = from.natural();
    this.#keptAtCount = from.natural();
    const kept = from.json() as readonly Evidence[];
    this.#kept = kept.slice(0, EVIDENCE_MOST);
    if (this.#kept.length > 0) this.#leastTelling = this.#kept[this.#leastTellingIndex()]!.lnE;
  }

  /** Never the first piece: it says how it began. */
  #leastTellingIndex(): number {
    let least = this.#kept.length > 1 ? 1 : 0;
    for (let i = least + 1; i < this.#kept.length; i++) {
      if (this.#kept[i]!.lnE < this.#kept[least]!.lnE) least = i;
    }
    return least;
  }
}
