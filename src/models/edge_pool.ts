import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { ConformalRank } from './conformal.js';
import { pitmanYor } from './pitman_yor.js';

/** Edges that the network remembers; new ones beyond are seen but not remembered, and counted. */
const EDGES_MOST = 262_144;

/** Ports remembered one by one. */
const PORTS = 65_536;

/**
 * What the network's devices talk to: how many devices use an edge (destination and port), how many
 * use a port, and how surprising first sights have been. The group and network levels of the
 * new-edge test. About 10 MB when full.
 */
export class EdgePool {
  readonly #devicesOfEdge = new Map<number, number>();
  readonly #edgesOfPort = new Float64Array(PORTS);
  readonly #surprises = new ConformalRank();
  #firstSights = 0;
  /** Devices on the edge that most of them use: about how many devices there are. */
  devicesMost = 1;
  #ports = 0;
  /** Edges that were not remembered because the table was full. */
  refusals = 0;

  /** Learns the first sights of one tick: edges ascending, the port of each, surprises ascending. */
  learn(edges: Float64Array, ports: Uint16Array, surprises: Float64Array): void {
    for (let i = 0; i < edges.length; i++) this.#learnEdge(edges[i]!, ports[i]!);
    for (const surprise of surprises) this.#surprises.accept(surprise);
  }

  #learnEdge(edge: number, port: number): void {
    const devices = this.#devicesOfEdge.get(edge);
    this.#firstSights++;
    if (devices !== undefined) {
      this.#devicesOfEdge.set(edge, devices + 1);
      this.devicesMost = Math.max(this.devicesMost, devices + 1);
      return;
    }
    if (this.#devicesOfEdge.size >= EDGES_MOST) {
      this.refusals++;
      return;
    }
    this.#devicesOfEdge.set(edge, 1);
    if (this.#edgesOfPort[port]!++ === 0) this.#ports++;
  }

  /** Edges that are remembered. */
  get size(): number {
    return this.#devicesOfEdge.size;
  }

  /** First sights of all devices so far. */
  get firstSights(): number {
    return this.#firstSights;
  }

  /** Devices that use an edge. */
  devices(edge: number): number {
    return this.#devicesOfEdge.get(edge) ?? 0;
  }

  /** P(the next first sight of any device is this edge). */
  probability(edge: number, port: number): number {
    const kinds = this.#devicesOfEdge.size;
    const portSeen = { total: kinds, kinds: this.#ports };
    const portRole = pitmanYor(this.#edgesOfPort[port]!, portSeen, 1 / PORTS);
    const base = portRole / Math.max(1, kinds);
    return pitmanYor(this.devices(edge), { total: this.#firstSights, kinds }, base);
  }

  save(out: StateWriter): void {
    out.u32(this.#devicesOfEdge.size);
    for (const [edge, devices] of this.#devicesOfEdge) {
      out.f64(edge);
      out.u32(devices);
    }
    out.u32(this.#ports);
    this.#edgesOfPort.forEach((edges, port) => {
      if (edges === 0) return;
      out.u32(port);
      out.u32(edges);
    });
    out.f64(this.#firstSights);
    this.#surprises.save(out);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    const edges = from.count(EDGES_MOST);
    for (let i = 0; i < edges; i++) {
      const edge = from.natural();
      const devices = from.u32();
      this.#devicesOfEdge.set(edge, devices);
      this.devicesMost = Math.max(this.devicesMost, devices);
    }
    this.#ports = from.count(PORTS);
    for (let i = 0; i < this.#ports; i++) this.#edgesOfPort[from.u32() % PORTS] = from.u32();
    this.#firstSights = from.natural();
    this.#surprises.restore(from);
  }

  /** How past first sights of all devices were distributed. */
  get surprises(): ConformalRank {
    return this.#surprises;
  }
}
