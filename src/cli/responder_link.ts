import { setTimeout as startTimer } from 'node:timers';
import type { ActionNews } from '../api/action_message.js';
import { ResponderClient } from '../api/responder_client.js';
import type { ActionState, AutonomyMode, Proposal } from '../domain/action.js';
import type { DeskState } from '../domain/action_record.js';
import {
  NO_RESPONSE_STATE,
  type DecisionInputs,
  type HourLedger,
  type MeasureStatus,
  type ResponseState,
} from '../domain/decision.js';
import { AddressSet } from '../domain/address_set.js';
import type { EffectFigures, Renewal, ResponsePort } from '../domain/response_port.js';
import { ThymusError } from '../errors.js';
import { MeasureMemory } from './measure_memory.js';

/** Between two tries to reach a responder. */
const AGAIN_MS = 50;
/** Between two responders that are started, where the first does not stay; doubled each time. */
const START_AGAIN_MS = 200;
const START_AGAIN_MOST_MS = 10_000;
const CLOSE_MS = 1000;
/** How old the ledger of the hour may be. */
const DESK_MS = 1000;
/** What may wait for a responder that is being started. */
const MOST_WAITING = 1024;

export interface ResponderLinkOptions {
  readonly path: string;
  readonly mode: AutonomyMode;
  /** What is internal, as prefixes. */
  readonly homeNet: readonly string[];
  /** Starts a responder; called when none answers. Settles when that one has ended. */
  readonly start: () => Promise<void>;
  /** Called once for each sentence that somebody should see. */
  readonly warn: (sentence: string) => void;
}

/** What the responder has to be told, be it by the next connection. */
interface Errand {
  readonly run: (client: ResponderClient) => Promise<unknown>;
  /** Called when it was refused. */
  readonly onRefused?: () => void;
  /** Called when it cannot be delivered. */
  readonly onLost?: () => void;
}

/**
 * The engine's side of the responder: keeps a connection to it, starts it anew when it is gone, and
 * says again what it may not have got. One proposal said twice is one action.
 */
export class ResponderLink implements ResponsePort {
  readonly #options: ResponderLinkOptions;
  readonly #home: AddressSet;
  readonly #measures = new MeasureMemory();
  #client: ResponderClient | null = null;
  #waiting: Errand[] = [];
  #allowed: readonly string[] | null = null;
  #state: ResponseState = NO_RESPONSE_STATE;
  readonly #inFlight = new Set<Promise<unknown>>();
  #startAgainMs = START_AGAIN_MS;
  #warned = '';
  #isStarted = false;
  #mode: AutonomyMode;
  #askedMs = 0;
  /** What became of measures while nobody was connected is not known yet. */
  #isBehind = true;
  #isClosed = false;
  #nLost = 0;

  constructor(options: ResponderLinkOptions) {
    this.#options = options;
    this.#home = new AddressSet(options.homeNet);
    this.#mode = options.mode;
    void this.#keepConnected();
  }

  get state(): ResponseState {
    return this.#state;
  }

  /** Errands that could not be delivered, since there was no responder for too long. */
  get nLost(): number {
    return this.#nLost;
  }

  propose(proposal: Proposal, inputs: DecisionInputs): void {
    const json = JSON.stringify(inputs);
    const remember = (state: ActionState): void => this.#remember(statusOf({ proposal, state }));
    // Until the responder has said more.
    remember('pending');
    this.#run({
      run: (client) => client.propose(proposal, json),
      onRefused: () => remember('failed'),
      // Nobody chose otherwise: it may be proposed again.
      onLost: () => remember('expired'),
    });
  }

  renew(renewal: Renewal): void {
    this.#run({ run: (client) => client.renew(renewal) });
  }

  allowAlways(prefixesAndNames: readonly string[]): void {
    this.#allowed = prefixesAndNames;
    if (this.#client !== null) this.#run({ run: (client) => client.allow(prefixesAndNames) });
  }

  report(figures: readonly EffectFigures[]): void {
    // Without a responder there is nobody to take anything back; newer figures will come.
    if (this.#client === null) return;
    for (const one of figures) this.#run({ run: (client) => client.report(one) });
  }

  /** For the decision log. @param inputs JSON */
  verdict(incident: string, text: string, inputs: string): void {
    this.#run({ run: (client) => client.noteVerdict(incident, text, inputs) });
  }

  setMode(mode: AutonomyMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    // It is said when a connection begins.
    this.#client?.close();
  }

  onTick(): void {
    if (this.#client === null || performance.now() - this.#askedMs < DESK_MS) return;
    this.#look(this.#client);
  }

  /** Gives what was said a second to be answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const late = new Promise((resolve) => startTimer(resolve, CLOSE_MS).unref());
    await Promise.race([Promise.allSettled([...this.#inFlight]), late]);
    this.#client?.close();
  }

  async #keepConnected(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#serve();
      } catch (error) {
        if (!(error instanceof ThymusError)) throw error;
        if (error.code === 'RESPONDER_ABSENT') void this.#start();
        else this.#warn(error.message);
        await new Promise((resolve) => startTimer(resolve, AGAIN_MS).unref());
      }
    }
  }

  /** Settles when the connection is over. */
  async #serve(): Promise<void> {
    const { path } = this.#options;
    const mode = this.#mode;
    const onChange = (news: ActionNews): void => this.#remember(statusOf(news));
    this.#measures.hearAnew();
    this.#isBehind = true;
    const client = await ResponderClient.connect({ path, role: 'engine', mode, onChange });
    if (this.#isClosed) {
      client.close();
      return;
    }
    this.#client = client;
    this.#startAgainMs = START_AGAIN_MS;
    this.#onDesk(client.desk);
    const allowed = this.#allowed;
    if (allowed !== null) this.#deliver(client, { run: (one) => one.allow(allowed) });
    for (const errand of this.#waiting.splice(0)) this.#deliver(client, errand);
    // Last, so that what waited is among what it lists.
    this.#look(client);
    await client.closed;
    this.#client = null;
  }

  async #start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const startedMs = performance.now();
    await this.#options.start();
    const leftMs = this.#startAgainMs - (performance.now() - startedMs);
    this.#startAgainMs = Math.min(2 * this.#startAgainMs, START_AGAIN_MOST_MS);
    if (leftMs > 0) await new Promise((resolve) => startTimer(resolve, leftMs).unref());
    this.#isStarted = false;
  }

  #run(errand: Errand): void {
    if (this.#client === null) this.#wait(errand);
    else this.#deliver(this.#client, errand);
  }

  #wait(errand: Errand): void {
    this.#waiting.push(errand);
    if (this.#waiting.length <= MOST_WAITING) return;
    this.#waiting.shift()!.onLost?.();
    this.#nLost++;
    this.#warn('No responder can be reached, and proposals are being lost: see its log.');
  }

  #deliver(client: ResponderClient, errand: Errand): void {
    this.#track(errand.run(client), (error) => {
      if (isWithoutAnswer(error)) this.#wait(errand);
      // What it could not write down it knows all the same, and tells what becomes of it.
      else if (error.code !== 'OUTPUT_FAILED') errand.onRefused?.();
    });
  }

  /** Asks how the responder stands, and, where something may have been missed, for all actions. */
  #look(client: ResponderClient): void {
    this.#askedMs = performance.now();
    const catchUp = async (): Promise<void> => {
      const wasBehind = this.#isBehind;
      const list = await client.list(wasBehind);
      if (wasBehind && client === this.#client) {
        this.#measures.catchUp(list);
        this.#isBehind = false;
      }
      this.#onDesk(list.desk);
    };
    // It is asked again at the next tick.
    this.#track(catchUp(), () => undefined);
  }

  #track(work: Promise<unknown>, onError: (error: ThymusError) => void): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!(error instanceof ThymusError)) throw error;
        onError(error);
      })
      .finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
  }

  /** What goes on is said once. */
  #warn(sentence: string): void {
    if (sentence === this.#warned) return;
    this.#warned = sentence;
    this.#options.warn(sentence);
  }

  #remember(status: MeasureStatus): void {
    this.#measures.hear(status);
    this.#state = { ...this.#state, measures: this.#measures.all };
  }

  #onDesk({ mode, halt, ledger }: DeskState): void {
    this.#state = {
      measures: this.#measures.all,
      modeMost: halt === null ? mode : 'observe',
      ledger: this.#internal(ledger),
    };
  }

  #internal({ fleetShare, devices }: HourLedger): HourLedger {
    return { fleetShare, devices: devices.filter((address) => this.#home.has(address)) };
  }
}

function statusOf({ proposal, state }: Pick<ActionNews, 'proposal' | 'state'>): MeasureStatus {
  const { id, incident, chosen, unattended } = proposal;
  return { proposal: id, incident, measure: chosen.measure, state, isAsked: !unattended };
}

/** There will be another responder, or another connection, to say it to. */
const isWithoutAnswer = ({ code }: ThymusError): boolean =>
  code === 'RESPONDER_ABSENT' || code === 'RESPONDER_BUSY';
