import { setTimeout as startTimer } from 'node:timers';
import type { ActionNews } from '../api/action_message.js';
import { ResponderClient } from '../api/responder_client.js';
import type { AutonomyMode, Proposal } from '../domain/action.js';
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
/** Actions whose state is remembered for decisions. */
const MOST_REMEMBERED = 4096;

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

type Errand = (client: ResponderClient) => Promise<unknown>;

/**
 * The engine's side of the responder: keeps a connection to it, starts it anew when it is gone, and
 * says again what it may not have got. One proposal said twice is one action.
 */
export class ResponderLink implements ResponsePort {
  readonly #options: ResponderLinkOptions;
  readonly #home: AddressSet;
  readonly #measures = new Map<string, MeasureStatus>();
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
    const { id, incident, chosen } = proposal;
    // Until the responder has said more.
    this.#remember({ proposal: id, incident, measure: chosen.measure, state: 'pending' });
    this.#run((client) => client.propose(proposal, json));
  }

  renew(renewal: Renewal): void {
    this.#run((client) => client.renew(renewal));
  }

  allowAlways(prefixesAndNames: readonly string[]): void {
    this.#allowed = prefixesAndNames;
    if (this.#client !== null) this.#run((client) => client.allow(prefixesAndNames));
  }

  report(figures: readonly EffectFigures[]): void {
    // Without a responder there is nobody to take anything back; newer figures will come.
    if (this.#client === null) return;
    for (const one of figures) this.#run((client) => client.report(one));
  }

  /** For the decision log. @param inputs JSON */
  verdict(incident: string, text: string, inputs: string): void {
    this.#run((client) => client.noteVerdict(incident, text, inputs));
  }

  setMode(mode: AutonomyMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    // It is said when a connection begins.
    this.#client?.close();
  }

  onTick(): void {
    if (this.#client === null || performance.now() - this.#askedMs < DESK_MS) return;
    this.#askedMs = performance.now();
    this.#run(async (client) => this.#onDesk((await client.list(false)).desk));
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
    const onChange = (action: ActionNews): void => this.#onChange(action);
    const client = await ResponderClient.connect({ path, role: 'engine', mode, onChange });
    if (this.#isClosed) {
      client.close();
      return;
    }
    this.#client = client;
    this.#startAgainMs = START_AGAIN_MS;
    this.#onDesk(client.desk);
    if (this.#allowed !== null) this.#deliver(client, (one) => one.allow(this.#allowed ?? []));
    for (const errand of this.#waiting.splice(0)) this.#deliver(client, errand);
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
    this.#waiting.shift();
    this.#nLost++;
    this.#warn('No responder can be reached, and proposals are being lost: see its log.');
  }

  #deliver(client: ResponderClient, errand: Errand): void {
    const delivery = errand(client)
      .catch((error: unknown) => {
        if (!(error instanceof ThymusError)) throw error;
        // Refused is answered; for the rest there will be another responder.
        const isAnswered = error.code === 'REFUSED' || error.code === 'NO_SUCH_ACTION';
        if (!isAnswered) this.#wait(errand);
      })
      .finally(() => this.#inFlight.delete(delivery));
    this.#inFlight.add(delivery);
  }

  /** What goes on is said once. */
  #warn(sentence: string): void {
    if (sentence === this.#warned) return;
    this.#warned = sentence;
    this.#options.warn(sentence);
  }

  #onChange({ proposal, state }: ActionNews): void {
    const { id, incident, chosen } = proposal;
    this.#remember({ proposal: id, incident, measure: chosen.measure, state });
  }

  #remember(status: MeasureStatus): void {
    this.#measures.delete(status.proposal);
    this.#measures.set(status.proposal, status);
    if (this.#measures.size > MOST_REMEMBERED) {
      this.#measures.delete(this.#measures.keys().next().value!);
    }
    this.#state = { ...this.#state, measures: [...this.#measures.values()] };
  }

  #onDesk({ mode, halt, ledger }: DeskState): void {
    this.#state = {
      ...this.#state,
      modeMost: halt === null ? mode : 'observe',
      ledger: this.#internal(ledger),
    };
  }

  #internal({ fleetShare, devices }: HourLedger): HourLedger {
    return { fleetShare, devices: devices.filter((address) => this.#home.has(address)) };
  }
}
