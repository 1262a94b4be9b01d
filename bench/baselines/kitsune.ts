import { AfterImage, FEATURES } from './after_image.js';
import type { Baseline, Packet, ScoreSheet } from './baseline.js';
import { Kitnet } from './kitnet.js';
import { seeded } from './random.js';

/** The share of what is learned from that goes into the map of features. */
const MAP_SHARE = 0.1;
const MAP_LEAST = 100;

/**
 * B1, Kitsune: AfterImage and KitNET over single packets, m = 10, rate 0.1, ratio 0.75. Its alarm is
 * that of the paper's first suggestion: the largest error of what it was trained on, after the first
 * half of it, when errors have settled. Sender of a packet is whom its score is about.
 */
export class Kitsune implements Baseline {
  readonly #features = new AfterImage();
  readonly #net: Kitnet;
  readonly #sample = new Float64Array(FEATURES);
  readonly #settledAfter: number;
  #packets = 0;
  #largestInTraining = 0;

  /** @param trainPackets packets at the begin of the capture that hold no attack */
  constructor(trainPackets: number, seed = 1) {
    const mapSamples = Math.max(MAP_LEAST, Math.round(MAP_SHARE * trainPackets));
    const trainSamples = Math.max(0, trainPackets - mapSamples);
    this.#settledAfter = mapSamples + trainSamples / 2;
    this.#net = new Kitnet({
      features: FEATURES,
      groupMost: 10,
      mapSamples,
      trainSamples,
      rate: 0.1,
      ratio: 0.75,
      random: seeded(seed),
    });
  }

  get alarmFrom(): number {
    return this.#largestInTraining;
  }

  onPacket(packet: Packet, sheet: ScoreSheet): void {
    if (packet.source === '') return;
    this.#features.update(
      {
        seconds: packet.timeUs / 1e6,
        bytes: packet.bytes,
        sourceMac: packet.sourceMac,
        source: packet.source,
        destination: packet.destination,
        sourceSocket: socketOf(packet.source, packet.sourcePort, packet.protocol),
        destinationSocket: socketOf(packet.destination, packet.destinationPort, packet.protocol),
      },
      this.#sample,
    );
    const { isTraining } = this.#net;
    const error = this.#net.process(this.#sample);
    this.#packets++;
    if (!isTraining) sheet.raise(packet.source, packet.timeUs, error);
    else if (this.#packets > this.#settledAfter) {
      this.#largestInTraining = Math.max(this.#largestInTraining, error);
    }
  }
}

function socketOf(address: string, port: number, protocol: number): string {
  return port > 0 ? `${address}:${port}` : `${address}/${protocol}`;
}
