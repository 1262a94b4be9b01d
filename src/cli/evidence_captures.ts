import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { IncidentSink } from '../batch/incident_sink.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import { extractEvidence, type EvidenceRequest, type Pipeline } from '../engine/pipeline.js';
import { outputFailed } from '../store/output_error.js';
import { complain } from './console.js';

const US_PER_MS = 1000;
/** Around what was seen of the incident. */
const AROUND_US = 10e6;
/** A live capture is written when the incident opens, and once more with what came after it. */
const AFTER_MS = 10_000;
const FRAMES_MOST = 100_000;
/** Who has met more met them all alike: evidence names some of them, and all matter. */
const OTHERS_MOST = 4;

/**
 * `--evidence-pcap`: the packets of each incident as a capture of its own, DIR/<incident>.pcap.
 * They are written by the core; no packet byte comes here.
 */
abstract class EvidenceCaptures {
  readonly #directory: string;
  readonly #prefix: string;

  /** @throws ThymusError OUTPUT_FAILED when there is no place for them */
  constructor(directory: string, prefix: string) {
    this.#directory = directory;
    this.#prefix = prefix;
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw outputFailed(directory, error);
    }
  }

  protected requestFor(incident: Incident): EvidenceRequest {
    const { address } = incident.entity;
    const flows = incident.evidence.flatMap((evidence) => evidence.flows);
    const peers = flows.flatMap(({ origIp, respIp }) => [origIp, respIp]);
    const others = new Set([...incident.others, ...peers].filter((other) => other !== address));
    return {
      path: join(this.#directory, `${this.#prefix}${incident.id}.pcap`),
      entity: address,
      others: others.size > OTHERS_MOST ? [] : [...others].filter(isAddress),
      fromUs: Math.floor(incident.firstSeenUs - AROUND_US),
      untilUs: Math.ceil(incident.lastSeenUs + AROUND_US),
      mostFrames: FRAMES_MOST,
    };
  }

  protected tell(error: string | null): void {
    if (error !== null) complain(`thymus: ${error}\n`);
  }
}

/** Of captures: they are read once more when all incidents are known. */
export class ReplayedEvidence extends EvidenceCaptures {
  readonly #requests: EvidenceRequest[] = [];

  readonly sink: RecordSink = new IncidentSink((incident, change) => {
    if (change === 'final') this.#requests.push(this.requestFor(incident));
  });

  async write(sources: readonly string[]): Promise<void> {
    if (this.#requests.length === 0) return;
    for (const { error } of await extractEvidence(sources, this.#requests)) this.tell(error);
  }
}

/** Of a live run: out of the frames that the core keeps of the last moments. */
export class LiveEvidence extends EvidenceCaptures {
  readonly #pipeline: Pipeline;
  readonly #later = new Set<NodeJS.Timeout>();
  readonly #underWay = new Set<Promise<void>>();

  readonly sink: RecordSink = new IncidentSink((incident, change) => {
    if (change !== 'opened') return;
    const request = this.requestFor(incident);
    this.#save(request);
    const timer = setTimeout(() => {
      this.#later.delete(timer);
      this.#save({ ...request, untilUs: request.untilUs + AFTER_MS * US_PER_MS });
    }, AFTER_MS);
    this.#later.add(timer.unref());
  });

  constructor(directory: string, pipeline: Pipeline) {
    super(directory, '');
    this.#pipeline = pipeline;
  }

  /** Settles when all that was begun is written. */
  async stop(): Promise<void> {
    for (const timer of this.#later) clearTimeout(timer);
    await Promise.all(this.#underWay);
  }

  #save(request: EvidenceRequest): void {
    const saved = this.#pipeline.saveEvidence(request).then(
      (result) => this.tell(result?.error ?? null),
      (error: unknown) => this.tell(`The packets of an incident are lost: ${String(error)}`),
    );
    const done = saved.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }
}

/** Evidence may speak of others that are no address: a name, a port. */
const isAddress = (text: string): boolean => isIP(text) !== 0;
