import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Device } from './device_table.js';
import { mixToUint32, pairKey, textKey } from './key_set.js';

/** Dimensions of a sketch. */
const DIMENSIONS = 64;
/** How alike two sketches of one group are, at least. */
const COSINE_LEAST = 0.85;
const SMALLEST_GROUP = 3;
/** Days on which a device has to be like another group before it moves there. */
const DAYS_TO_MOVE = 3;
const LEADERS_MOST = 1024;

/** Kinds of features, so that a port and an application of one number are different. */
const KIND = { APP: 1, PORT: 2, SITE: 3, FINGERPRINT: 4, HOUR: 5, HINT: 6, SERVICE: 7 } as const;

export type Sketch = Float64Array;

/**
 * What a device does as a point on a sphere: a signed random projection of what it uses, offers and
 * when. Devices that do alike are close, and the sketch says nothing about one site that it used.
 * The signs are a hash of the feature, so that all runs draw the same ones.
 */
export function sketchOf(device: Device): Sketch {
  const sketch = new Float64Array(DIMENSIONS);
  const counts = (kind: number, entries: Iterable<readonly [number, number]>): void => {
    const features = [...entries].map(([key, n]) => [pairKey(kind, key), Math.log1p(n)] as const);
    addGroup(sketch, features);
  };
  counts(KIND.APP, device.apps.entries());
  counts(KIND.PORT, device.ports.entries());
  counts(KIND.SITE, device.sites.entries());
  counts(KIND.FINGERPRINT, device.fingerprints.entries());
  counts(
    KIND.HOUR,
    [...device.hours.entries()].filter(([, n]) => n > 0),
  );
  counts(
    KIND.HINT,
    [...device.hints.entries()].map(([hint, n]) => [textKey(hint), n]),
  );
  counts(
    KIND.SERVICE,
    [...device.services].map(([key, { flows }]) => [key, flows]),
  );
  return normalised(sketch);
}

/** Each kind of features has the same say, however many there are. */
function addGroup(sketch: Sketch, features: readonly (readonly [number, number])[]): void {
  const length = Math.hypot(...features.map(([, weight]) => weight));
  if (length === 0) return;
  for (const [key, weight] of features) {
    let bits = 0;
    for (let i = 0; i < DIMENSIONS; i++) {
      if (i % 32 === 0) bits = mixToUint32(pairKey(key, i));
      sketch[i]! += (bits & 1) === 1 ? weight / length : -weight / length;
      bits >>>= 1;
    }
  }
}

function normalised(sketch: Sketch): Sketch {
  const length = Math.hypot(...sketch);
  return length === 0 ? sketch : sketch.map((x) => x / length);
}

export function cosine(a: Sketch, b: Sketch): number {
  let dot = 0;
  for (let i = 0; i < DIMENSIONS; i++) dot += a[i]! * b[i]!;
  return dot;
}

/** Where a device belongs, and where it has been drawn to since. */
interface Membership {
  group: number;
  drawnTo: number;
  days: number;
}

/**
 * Groups of devices that behave alike, by leader clustering once a day: a device joins the group
 * whose first member it is most like, if it is like it enough, else it leads a new one. One that has
 * a group leaves it only after three days in a row on which it was like another one, so that one odd
 * day changes nobody's peers.
 *
 * 1,024 leaders at most; devices beyond that have no group.
 */
export class PeerGroups {
  readonly #leaders: Sketch[] = [];
  readonly #members = new Map<number, Membership>();

  /** One day, or what there is of it, has passed. Devices come in the order of their numbers. */
  assign(devices: readonly { readonly number: number; readonly sketch: Sketch }[]): void {
    for (const { number, sketch } of devices) {
      const nearest = this.#nearest(sketch);
      if (nearest < 0) continue;
      this.#move(number, nearest);
    }
  }

  has(number: number): boolean {
    return this.#members.has(number);
  }

  /** The group of a device, from 1; null where it has no two peers. */
  groupOf(number: number): number | null {
    const group = this.#members.get(number)?.group;
    if (group === undefined || this.#sizeOf(group) < SMALLEST_GROUP) return null;
    return group + 1;
  }

  /** The group that a sketch is like, made where there is none; -1 when there are too many. */
  #nearest(sketch: Sketch): number {
    let best = -1;
    let bestCosine = COSINE_LEAST;
    for (let i = 0; i < this.#leaders.length; i++) {
      const likeness = cosine(sketch, this.#leaders[i]!);
      if (likeness < bestCosine) continue;
      best = i;
      bestCosine = likeness;
    }
    if (best >= 0 || this.#leaders.length >= LEADERS_MOST) return best;
    return this.#leaders.push(sketch) - 1;
  }

  #move(number: number, nearest: number): void {
    const known = this.#members.get(number);
    if (known === undefined) {
      this.#members.set(number, { group: nearest, drawnTo: nearest, days: 0 });
      return;
    }
    if (nearest === known.group) known.days = 0;
    else if (nearest === known.drawnTo) known.days++;
    else known.days = 1;
    known.drawnTo = nearest;
    if (known.days < DAYS_TO_MOVE) return;
    known.group = nearest;
    known.days = 0;
  }

  #sizeOf(group: number): number {
    let size = 0;
    for (const member of this.#members.values()) if (member.group === group) size++;
    return size;
  }

  save(out: StateWriter): void {
    out.u32(this.#leaders.length);
    for (const leader of this.#leaders) out.f64s(leader);
    out.u32(this.#members.size);
    for (const [number, { group, drawnTo, days }] of this.#members) {
      out.f64s([number, group, drawnTo, days]);
    }
  }

  /** REQUIRES: there are none. */
  restore(from: StateReader): void {
    const leaders = from.count(LEADERS_MOST);
    for (let i = 0; i < leaders; i++) this.#leaders.push(from.f64s(DIMENSIONS));
    const members = from.count(from.left);
    for (let i = 0; i < members; i++) {
      const [number, group, drawnTo, days] = [
        from.natural(),
        from.natural(),
        from.natural(),
        from.natural(),
      ];
      this.#members.set(number, { group, drawnTo, days });
    }
  }

  /** Of devices that are no more. */
  keepOnly(numbers: ReadonlySet<number>): void {
    for (const number of this.#members.keys()) {
      if (!numbers.has(number)) this.#members.delete(number);
    }
  }
}
