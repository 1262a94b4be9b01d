import { AfterImage, FEATURES } from './after_image.js';
import type { Baseline, Packet, ScoreSheet } from './baseline.js';
import { Kitnet } from './kitnet.js';
import { seeded } from './random.js';

/** The share of what is learned from that goes into the map of features. */
const MAP_SHARE = 0.1;
const MAP_LEAST = 100;
/** What the largest error in training is at least, when there was none. */
const LEAST_ERROR = 1e-6;

/**
 * B1, Kitsune: AfterImage and KitNET over single packets, m = 10, rate 0.1, ratio 0.75. Its score is
 * the error as a multiple of the largest error in training, after the first half of it, when errors
 * have settled; that largest error is also the paper's first suggestion for an alarm. Sender of a
 * packet is whom its score is about.
 */
export class Kitsune implements Baseline {
  readonly alarmFrom = 1;
  readonly #features = new AfterImage();
  readonly #net: Kitnet;
  readonly #sample = new Float64Array(FEATURES);
  readonly #settledAfter: number;
  #packets = 0;
  #largestInTraining = LEAST_ERROR;

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
    if (!isTraining) {
      sheet.raise(packet.source, packet.timeUs, error / this.#largestInTraining);
    } else if (this.#packets > this.#settledAfter) {
      this.#largestInTraining = Math.max(this.#largestInTraining, error);
    }
  }
}

function socketOf(address: string, port: number, protocol: number): string {
  return port > 0 ? `${address}:${port}` : `${address}/${protocol}`;
}
