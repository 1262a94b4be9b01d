import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** That an address belongs to somebody, microseconds. */
export interface Claim {
  readonly atUs: number;
  /** Null where nobody said. */
  readonly untilUs: number | null;
}

/** From when to when an address belonged to somebody. */
interface Span<T> {
  readonly owner: T;
  readonly fromUs: number;
  untilUs: number;
}

export const ADDRESS_LEASES_DEFAULTS = { addressesMost: 65_536 } as const;

/** Owners that are remembered of one address; of more, the oldest go. */
const SPANS_MOST = 16;

/**
 * Who had an address when. What was said of the past is never changed by what is said later: a new
 * owner ends the last one's time and begins its own.
 *
 * Holds 65,536 addresses with 16 owners each at most; the address that was spoken of longest ago
 * gives way, which is counted.
 */
export class AddressLeases<T> {
  readonly #most: number;
  readonly #spans = new Map<string, Span<T>[]>();
  evictions = 0;

  constructor(addressesMost: number = ADDRESS_LEASES_DEFAULTS.addressesMost) {
    this.#most = addressesMost;
  }

  /**
   * From `atUs` on an address is the owner's, until `untilUs`, or as long as was said before where
   * that is null.
   */
  bind(place: string, owner: T, { atUs, untilUs }: Claim): void {
    const spans = this.#renewed(place);
    const last = spans.at(-1);
    if (last?.owner === owner && last.untilUs >= atUs) {
      last.untilUs = untilUs ?? last.untilUs;
      return;
    }
    if (last !== undefined) last.untilUs = Math.min(last.untilUs, atUs);
    spans.push({ owner, fromUs: atUs, untilUs: untilUs ?? Infinity });
    if (spans.length > SPANS_MOST) spans.shift();
  }

  /** It is given back. */
  release(place: string, atUs: number): void {
    const last = this.#spans.get(place)?.at(-1);
    if (last !== undefined && last.untilUs > atUs) last.untilUs = atUs;
  }

  /** Whose it was at a moment. */
  ownerAt(place: string, atUs: number): T | undefined {
    const spans = this.#spans.get(place);
    if (spans === undefined) return undefined;
    for (let i = spans.length - 1; i >= 0; i--) {
      const { fromUs, untilUs, owner } = spans[i]!;
      if (fromUs <= atUs) return atUs < untilUs ? owner : undefined;
    }
    return undefined;
  }

  /** True when nobody ever had it. */
  isFresh(place: string): boolean {
    return !this.#spans.has(place);
  }

  /** All there is, by address; each in the order of time. */
  *all(): Generator<{ place: string; owner: T; fromUs: number; untilUs: number }> {
    for (const [place, spans] of this.#spans) for (const span of spans) yield { place, ...span };
  }

  save(out: StateWriter, numberOf: (owner: T) => number): void {
    out.u32(this.#spans.size);
    for (const [place, spans] of this.#spans) {
      out.text(place);
      out.u32(spans.length);
      for (const { owner, fromUs, untilUs } of spans) {
        out.f64s([numberOf(owner), fromUs, untilUs]);
      }
    }
  }

  /** REQUIRES: it is empty. What belonged to somebody who is no more is left out. */
  restore(from: StateReader, ownerOf: (number: number) => T | undefined): void {
    const places = from.count(this.#most);
    for (let i = 0; i < places; i++) {
      const place = from.text();
      const n = from.count(SPANS_MOST);
      const spans: Span<T>[] = [];
      for (let k = 0; k < n; k++) {
        const owner = ownerOf(from.natural());
        const span = { fromUs: from.time(), untilUs: from.time() };
        if (owner !== undefined) spans.push({ owner, ...span });
      }
      if (spans.length > 0) this.#spans.set(place, spans);
    }
  }

  #renewed(place: string): Span<T>[] {
    const known = this.#spans.get(place);
    if (known !== undefined) this.#spans.delete(place);
    else if (this.#spans.size >= this.#most) {
      this.#spans.delete(this.#spans.keys().next().value!);
      this.evictions++;
    }
    const spans = known ?? [];
    this.#spans.set(place, spans);
    return spans;
  }
}
