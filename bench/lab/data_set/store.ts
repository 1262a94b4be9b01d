import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packetsOf, pcapOf, type Packet } from '../pcap_file.js';
import { CAPTURES_FILE, linesOf, textOf, type CaptureLine, type LabelLine } from './lines.js';

/** What is said of a capture that is not read off its packets. */
export type CaptureFacts = Omit<
  CaptureLine,
  'format' | 'packets' | 'firstPacketUs' | 'lastPacketUs' | 'sha256'
>;

/** A folder with a data set. A capture is in it once its line in `captures.jsonl` is. */
export class DataSet {
  readonly #folder: string;
  readonly #captures = new Map<string, CaptureLine>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const index = join(folder, CAPTURES_FILE);
    if (!existsSync(index)) return;
    for (const line of linesOf<CaptureLine>(readFileSync(index, 'utf8'))) {
      this.#captures.set(line.name, line);
    }
  }

  get captures(): readonly CaptureLine[] {
    return [...this.#captures.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  has(name: string): boolean {
    return this.#captures.has(name);
  }

  line(name: string): CaptureLine {
    return this.#captures.get(name)!;
  }

  packets(name: string): Packet[] {
    return [...packetsOf(gunzipSync(readFileSync(this.#file(name, 'pcap.gz'))))];
  }

  labels(name: string): LabelLine[] {
    return linesOf(readFileSync(this.#file(name, 'labels.jsonl'), 'utf8'));
  }

  add(facts: CaptureFacts, packets: readonly Packet[], labels: readonly LabelLine[]): void {
    const packed = gzipSync(pcapOf(packets), { level: 6 });
    writeFileSync(this.#file(facts.name, 'pcap.gz'), packed);
    writeFileSync(this.#file(facts.name, 'labels.jsonl'), textOf(labels));
    this.#captures.set(facts.name, {
      format: 1,
      ...facts,
      packets: packets.length,
      firstPacketUs: packets[0]!.timeUs,
      lastPacketUs: packets.at(-1)!.timeUs,
      sha256: createHash('sha256').update(packed).digest('hex'),
    });
    this.#writeIndex();
  }

  /** Whoever reads it meanwhile sees the old one or the new one. */
  #writeIndex(): void {
    const index = join(this.#folder, CAPTURES_FILE);
    writeFileSync(`${index}.new`, textOf(this.captures));
    renameSync(`${index}.new`, index);
  }

  #file(name: string, end: string): string {
    return join(this.#folder, `${name}.${end}`);
  }
}
