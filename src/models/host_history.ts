import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import { EdgeBook, type Edge, type EdgeSpec } from './edge_book.js';
import { mixToUint32 } from './key_set.js';

const LEARNED_EDGES_MOST = 64;
const WAITING_EDGES_MOST = 32;
/** Rates in doublings from 2^6 bytes a second; the last one is open. */
const RATE_BINS = 26;
const LOWEST_RATE_LOG2 = 6;
/** Connections or packets of one source in a tick, in doublings from one. */
const BURST_BINS = 20;
const CLIENT_BITS = 1024;

/** What a host did in normal operation over some time. */
export class Lessons {
  readonly edges: EdgeBook;
  /** Bytes by the rate that the host had while they went over the wire. */
  readonly rateBytes = new Float64Array(RATE_BINS);
  /** Connections or packets to the host, by how many their source sent in that tick. */
  readonly burstUnits = new Float64Array(BURST_BINS);
  /** Flows on edges that were known before, and of them those that were answered. */
  knownFlows = 0;
  knownAnswered = 0;

  constructor(edgesMost: number) {
    this.edges = new EdgeBook(edgesMost);
  }

  take(other: Lessons): void {
    for (const edge of other.edges.all()) this.edges.add(edge, edge.bytes, edge.flows);
    for (let i = 0; i < RATE_BINS; i++) this.rateBytes[i]! += other.rateBytes[i]!;
    for (let i = 0; i < BURST_BINS; i++) this.burstUnits[i]! += other.burstUnits[i]!;
    this.knownFlows += other.knownFlows;
    this.knownAnswered += other.knownAnswered;
  }

  decay(factor: number): void {
    this.edges.decay(factor);
    for (let i = 0; i < RATE_BINS; i++) this.rateBytes[i]! *= factor;
    for (let i = 0; i < BURST_BINS; i++) this.burstUnits[i]! *= factor;
    this.knownFlows *= factor;
    this.knownAnswered *= factor;
  }

  clear(): void {
    this.edges.clear();
    this.rateBytes.fill(0);
    this.burstUnits.fill(0);
    this.knownFlows = 0;
    this.knownAnswered = 0;
  }

  save(out: StateWriter): void {
    this.edges.save(out);
    out.f64s(this.rateBytes);
    out.f64s(this.burstUnits);
    out.f64s([this.knownFlows, this.knownAnswered]);
  }

  restore(from: StateReader): void {
    this.edges.restore(from);
    this.rateBytes.set(from.f64s(RATE_BINS));
    this.burstUnits.set(from.f64s(BURST_BINS));
    this.knownFlows = from.f64();
    this.knownAnswered = from.f64();
  }
}

/** Upper end of a bin of `Lessons.rateBytes`, bytes a second. */
export const rateOfBin = (bin: number): number => 2 ** (LOWEST_RATE_LOG2 + bin);
/** Largest count of a bin of `Lessons.burstUnits`. */
export const burstOfBin = (bin: number): number => 2 ** (bin + 1) - 1;

const rateBin = (bytesPerSecond: number): number =>
  clampBin(Math.ceil(Math.log2(Math.max(1, bytesPerSecond))) - LOWEST_RATE_LOG2, RATE_BINS);
const burstBin = (n: number): number => clampBin(Math.floor(Math.log2(Math.max(1, n))), BURST_BINS);
const clampBin = (bin: number, bins: number): number => Math.max(0, Math.min(bins - 1, bin));

/** One answered flow, from the side of one of its hosts. */
export interface Exchange {
  readonly edge: EdgeSpec;
  /** Both directions, whole frames. */
  readonly bytes: number;
  readonly durationUs: number;
  /** Connections of TCP, else packets of the originator. */
  readonly units: number;
  readonly tick: number;
}

/**
 * What is normal of one internal host: what was learned, and two stretches of half an hour that wait
 * (science: what was seen shortly before a host became suspicious teaches nothing).
 */
export class HostHistory {
  key = 0;
  address = '';
  readonly learned = new Lessons(LEARNED_EDGES_MOST);
  waiting = new Lessons(WAITING_EDGES_MOST);
  current = new Lessons(WAITING_EDGES_MOST);
  learnedSeconds = 0;
  firstUs = Infinity;
  /** Nothing is learned of what it does until then. */
  suspectUntilUs = -Infinity;
  /** What waits holds something of a suspect. */
  isWaitingTainted = false;
  isCurrentTainted = false;
  /** Network slice; 0xffff for none. */
  slice = 0xffff;
  readonly #clients = new Uint32Array(CLIENT_BITS / 32);
  /** What it is to others, in plain words; '' for nothing special. */
  role = '';
  #tick = -1;
  #tickBytes = 0;

  become(key: number, address: string, atUs: number): void {
    this.key = key;
    this.address = address;
    this.firstUs = atUs;
  }

  clear(): void {
    this.key = 0;
    this.address = '';
    this.learned.clear();
    this.waiting.clear();
    this.current.clear();
    this.learnedSeconds = 0;
    this.firstUs = Infinity;
    this.suspectUntilUs = -Infinity;
    this.isWaitingTainted = false;
    this.isCurrentTainted = false;
    this.slice = 0xffff;
    this.#clients.fill(0);
    this.role = '';
    this.#tick = -1;
    this.#tickBytes = 0;
  }

  /** REQUIRES: the host is in good standing. */
  add({ edge, bytes, durationUs, units, tick }: Exchange): void {
    const lessons = this.current;
    const known = lessons.edges.add(edge, bytes, 1);
    this.#addRate(bytes, durationUs, tick);
    if (!edge.isServer) return;
    if (known.tick !== tick) {
      endBurst(lessons, known);
      known.tick = tick;
    }
    known.inTick += units;
  }

  /** A flow on an edge of this host, answered or not. */
  addOutcome(edgeKey: number, isAnswered: boolean): boolean {
    if (this.find(edgeKey) === undefined) return false;
    this.current.knownFlows++;
    if (isAnswered) this.current.knownAnswered++;
    return true;
  }

  find(edgeKey: number): Edge | undefined {
    const { learned, waiting, current } = this;
    return (
      learned.edges.find(edgeKey) ?? current.edges.find(edgeKey) ?? waiting.edges.find(edgeKey)
    );
  }

  addClient(key: number): void {
    const bit = mixToUint32(key) % CLIENT_BITS;
    this.#clients[bit >> 5]! |= 1 << (bit & 31);
  }

  /** About how many peers it answered: linear counting (Whang 1990). */
  get clients(): number {
    let free = 0;
    for (const word of this.#clients) free += 32 - bitsOf(word);
    return free === 0 ? CLIENT_BITS * 7 : CLIENT_BITS * Math.log(CLIENT_BITS / free);
  }

  /**
   * Half an hour ends: what has waited is learned, unless the host fell under suspicion since.
   * @param decay what the past counts from now on, 0 to 1
   */
  endStretch(nowUs: number, stretchUs: number, decay: number): void {
    this.learned.decay(decay);
    for (const edge of this.current.edges.all()) endBurst(this.current, edge);
    this.#endRate();
    if (!this.isWaitingTainted && this.waiting.edges.flows > 0) {
      this.learned.take(this.waiting);
      const seenUs = Math.min(stretchUs, nowUs - stretchUs - this.firstUs);
      this.learnedSeconds += Math.max(0, seenUs) / 1e6;
    }
    this.waiting.clear();
    [this.waiting, this.current] = [this.current, this.waiting];
    this.isWaitingTainted = this.isCurrentTainted;
    this.isCurrentTainted = nowUs < this.suspectUntilUs;
  }

  save(out: StateWriter): void {
    out.f64(this.key);
    out.text(this.address);
    out.f64s([this.learnedSeconds, this.firstUs, this.suspectUntilUs]);
    out.flag(this.isWaitingTainted);
    out.flag(this.isCurrentTainted);
    out.u32(this.slice);
    for (const word of this.#clients) out.u32(word);
    out.text(this.role);
    for (const lessons of [this.learned, this.waiting, this.current]) lessons.save(out);
  }

  /** REQUIRES: it is new. The key was read. */
  restore(from: StateReader, key: number): void {
    this.key = key;
    this.address = from.text();
    this.learnedSeconds = from.f64();
    this.firstUs = from.time();
    this.suspectUntilUs = from.time();
    this.isWaitingTainted = from.flag();
    this.isCurrentTainted = from.flag();
    this.slice = from.u32();
    for (let i = 0; i < this.#clients.length; i++) this.#clients[i] = from.u32();
    this.role = from.text();
    for (const lessons of [this.learned, this.waiting, this.current]) lessons.restore(from);
  }

  /**
   * A short flow counts with all others of its tick; one that lasts has a rate of its own, since its
   * record comes when it has ended.
   */
  #addRate(bytes: number, durationUs: number, tick: number): void {
    if (durationUs > TICK_US) {
      this.current.rateBytes[rateBin((bytes / durationUs) * 1e6)]! += bytes;
      return;
    }
    if (tick !== this.#tick) {
      this.#endRate();
      this.#tick = tick;
    }
    this.#tickBytes += bytes;
  }

  #endRate(): void {
    if (this.#tickBytes === 0) return;
    this.current.rateBytes[rateBin((this.#tickBytes / TICK_US) * 1e6)]! += this.#tickBytes;
    this.#tickBytes = 0;
  }
}

function endBurst(lessons: Lessons, edge: Edge): void {
  if (edge.inTick === 0) return;
  lessons.burstUnits[burstBin(edge.inTick)]! += edge.inTick;
  edge.inTick = 0;
}

function bitsOf(word: number): number {
  let bits = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}
