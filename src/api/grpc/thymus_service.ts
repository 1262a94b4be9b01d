import {
  Metadata,
  status,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

import type { LiveStatus } from '../../engine/pipeline.js';
import { ThymusError } from '../../errors.js';
import { positionOf } from '../../store/frame_segments.js';
import { giveFeedback } from '../../store/give_feedback.js';
import type { RunArchive } from '../../store/run_archive.js';
import type { ActionFeed } from '../action_feed.js';
import { actionMessage, deskMessage } from '../action_message.js';
import { thymus } from '../gen/thymus_v1.js';
import type { StreamHub } from '../stream_hub.js';
import type { StreamStart, Subscription } from '../subscription.js';
import { verdictMessage } from '../verdict.js';
import { descriptorFile } from './descriptors.js';
import { definitionOf, type Definition } from './service_definition.js';
import { Busy, personOf, unary } from './unary.js';

const { v1 } = thymus;
type V1 = typeof thymus.v1;
type Message<Name extends keyof V1> = V1[Name] extends { prototype: infer M } ? M : never;

/** Trailer of a stream that was ended: the cursor to go on from. */
export const CURSOR_TRAILER = 'thymus-cursor';

const MOST_PAGE = 1000;
const USUAL_PAGE = 100;
const MOST_WAITING = 16;
const MOST_REQUEST_BYTES = 64 * 1024;

export const THYMUS_FILE = descriptorFile('thymus_v1');
export const THYMUS_SERVICE: Definition = definitionOf(THYMUS_FILE.services[0]!, v1);

export interface ThymusServiceOptions {
  readonly hub: StreamHub;
  readonly actions: ActionFeed;
  readonly archive: RunArchive;
  readonly stateDirectory: string;
  /** Null when the run is not kept. */
  readonly runId: string | null;
  readonly engineVersion: string;
  readonly status: () => LiveStatus | null;
}

/** The methods of thymus.v1.Thymus. */
export class ThymusService {
  readonly file = THYMUS_FILE;
  readonly definition = THYMUS_SERVICE;
  readonly mostRequestBytes = MOST_REQUEST_BYTES;
  readonly #options: ThymusServiceOptions;
  /** The store is read for one request at a time, so that the engine's thread keeps most of its time. */
  #reading: Promise<unknown> = Promise.resolve();
  #nWaiting = 0;

  constructor(options: ThymusServiceOptions) {
    this.#options = options;
  }

  get handlers(): UntypedServiceImplementation {
    return {
      Watch: (call: ServerWritableStream<Message<'WatchRequest'>, Uint8Array>) => this.#watch(call),
      ListIncidents: unary<Message<'ListIncidentsRequest'>>((request) =>
        this.#listIncidents(request),
      ),
      GetIncident: unary<Message<'GetIncidentRequest'>>((request) => this.#getIncident(request)),
      GiveFeedback: unary<Message<'GiveFeedbackRequest'>>((request) => this.#giveFeedback(request)),
      ListActions: unary<Message<'ListActionsRequest'>>((request) => this.#listActions(request)),
      Approve: unary<Message<'ApproveRequest'>>(({ id, by }, call) =>
        this.#responder.vote(id, personOf(call, by), 'approve'),
      ),
      Reject: unary<Message<'RejectRequest'>>(({ id, by }, call) =>
        this.#responder.vote(id, personOf(call, by), 'reject'),
      ),
      RollBack: unary<Message<'RollBackRequest'>>(({ id, by, reason }, call) =>
        this.#responder.rollBack(id, personOf(call, by), reason),
      ),
      GetStatus: unary<Message<'GetStatusRequest'>>(() => this.#getStatus()),
    };
  }

  #watch(call: ServerWritableStream<Message<'WatchRequest'>, Uint8Array>): void {
    const start = startOf(call.request);
    if (start === null) {
      const details = `'${call.request.after}' is no cursor: give one of a message as it is.`;
      call.emit('error', { code: status.INVALID_ARGUMENT, details });
      return;
    }
    const subscription: Subscription | null = this.#options.hub.subscribe(start, {
      take: (frame) => call.write(frame),
      end: (why, cursor) => {
        if (why === 'overrun') call.emit('error', overrun(cursor));
        else call.end();
      },
    });
    if (subscription === null) {
      const details = 'There are as many subscribers as there may be: end one of them.';
      call.emit('error', { code: status.RESOURCE_EXHAUSTED, details });
      return;
    }
    call.on('drain', () => subscription.resume());
    call.on('cancelled', () => subscription.end('closed'));
  }

  async #listIncidents(request: Message<'ListIncidentsRequest'>): Promise<object> {
    const { archive } = this.#options;
    const runId = request.runId === '' ? this.#ownRun : request.runId;
    const begin = pageStart(request.pageToken);
    const size = Math.min(request.pageSize || USUAL_PAGE, MOST_PAGE);
    return this.#inTurn(async () => {
      const run = archive.run(runId);
      const all = await archive.incidents(run);
      const page = all.slice(begin, begin + size);
      return {
        incidents: page.map((incident) => ({
          ...verdictMessage({ ...incident, evidence: [] }),
          runId: run.id,
        })),
        nextPageToken: begin + size < all.length ? String(begin + size) : '',
        runId: run.id,
      };
    });
  }

  #getIncident({ id }: Message<'GetIncidentRequest'>): Promise<object> {
    return this.#inTurn(async () => {
      const { run, incident } = await this.#options.archive.incident(this.#fullId(id));
      return { ...verdictMessage(incident), runId: run.id };
    });
  }

  #giveFeedback({
    id,
    is,
  }: Message<'GiveFeedbackRequest'>): Promise<thymus.v1.GiveFeedbackResponse.$Properties> {
    const { Is } = v1.GiveFeedbackRequest;
    if (is !== Is.IS_BENIGN && is !== Is.IS_ATTACK) {
      throw new ThymusError('USAGE', "An incident 'is' IS_BENIGN or IS_ATTACK: say one of them.");
    }
    const said = { id: this.#fullId(id), is: is === Is.IS_BENIGN ? 'benign' : 'attack' } as const;
    return this.#inTurn(async () => {
      const taken = await giveFeedback(this.#options.stateDirectory, said, Date.now());
      return { id: taken.incident, oddsFactor: taken.oddsFactor };
    });
  }

  async #listActions({ withFinished }: Message<'ListActionsRequest'>): Promise<object> {
    const { actions, desk } = await this.#responder.list(withFinished);
    return { actions: actions.map(actionMessage), desk: deskMessage(desk) };
  }

  get #responder(): ActionFeed['responder'] {
    return this.#options.actions.responder;
  }

  #getStatus(): Promise<thymus.v1.Status.$Properties> {
    const { engineVersion, runId, hub } = this.#options;
    const live = this.#options.status();
    const common = { engineVersion, runId: runId ?? '', stream: hub.status };
    if (live === null) return Promise.resolve(common);
    return Promise.resolve({
      ...common,
      uptimeSeconds: live.uptime,
      packets: live.progress.packets,
      flowsActive: live.progress.flowsActive,
      incidents: live.budget.opened,
      lagSeconds: live.lag,
      loss: live.loss,
      counters: Object.entries(live.counters).map(([name, value]) => ({ name, value })),
    });
  }

  #fullId(id: string): string {
    return id.includes('/') ? id : `${this.#ownRun}/${id}`;
  }

  get #ownRun(): string {
    const { runId } = this.#options;
    if (runId !== null) return runId;
    throw new ThymusError(
      'STORE_UNAVAILABLE',
      "This run is not kept: watch without '--store none'.",
    );
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#nWaiting >= MOST_WAITING) throw new Busy();
    this.#nWaiting++;
    const mine = this.#reading.then(work);
    this.#reading = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#nWaiting--;
    }
  }
}

/** @returns null when the cursor is none */
function startOf({ after, fromOldest }: Message<'WatchRequest'>): StreamStart | null {
  if (after !== '') return positionOf(after);
  return fromOldest ? 'oldest' : 'now';
}

function overrun(cursor: string): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set(CURSOR_TRAILER, cursor);
  const details = `This subscriber took too little and was ended: go on after ${cursor}.`;
  return { code: status.RESOURCE_EXHAUSTED, details, metadata };
}

function pageStart(token: string): number {
  if (/^\d{0,9}$/.test(token)) return Number(token);
  throw new ThymusError('USAGE', `'${token}' is no page_token: give next_page_token as it is.`);
}
