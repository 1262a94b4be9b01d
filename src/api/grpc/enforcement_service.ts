import type { ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';

import { ThymusError } from '../../errors.js';
import type { Order, Outcome } from '../../response/actuators/actuator.js';
import type { LeaseKeeper } from '../../response/lease_keeper.js';
import type { thymus } from '../gen/enforcement.js';
import { measureOf } from '../measure_message.js';
import {
  ENFORCEMENT_FILE,
  ENFORCEMENT_SERVICE,
  ENFORCEMENT_VERSION,
  MOST_ORDERS,
  MOST_ORDERS_BYTES,
} from './enforcement.js';
import { certifiedName, Denied, unary } from './unary.js';

type Orders = thymus.v1.Orders;
type OrderMessage = thymus.v1.Order.$Properties;
type OutcomeMessage = thymus.v1.OrderOutcome.$Properties;

export interface EnforcementServiceOptions {
  readonly keeper: LeaseKeeper;
  /** Common name in the certificate of the one client that may ask for anything. */
  readonly client: string;
  /** Told what was asked for and what became of it, as one sentence. */
  readonly onCall: (text: string) => void;
}

/** The methods of thymus.v1.Enforcement. */
export class EnforcementService {
  readonly file = ENFORCEMENT_FILE;
  readonly definition = ENFORCEMENT_SERVICE;
  readonly mostRequestBytes = MOST_ORDERS_BYTES;
  readonly #options: EnforcementServiceOptions;

  constructor(options: EnforcementServiceOptions) {
    this.#options = options;
  }

  get handlers(): UntypedServiceImplementation {
    const { keeper } = this.#options;
    return {
      Apply: this.#admitted<Orders>((request) =>
        this.#change('applied', request, (orders) => keeper.apply(orders)),
      ),
      Undo: this.#admitted<Orders>((request) =>
        this.#change('let go', request, (orders) => keeper.undo(orders)),
      ),
      Verify: this.#admitted<Orders>((request) => this.#verify(request)),
      ListEnforced: this.#admitted<thymus.v1.EnforcedRequest>(() => this.#list()),
      WithdrawAll: this.#admitted<thymus.v1.WithdrawAllRequest>(() => this.#withdrawAll()),
    };
  }

  #admitted<Request extends { readonly protocolVersion: number }>(
    work: (request: Request) => Promise<object>,
  ) {
    return unary<Request>((request, call) => {
      this.#admit(call, request.protocolVersion);
      return work(request);
    });
  }

  #admit(call: ServerUnaryCall<unknown, unknown>, version: number): void {
    const { client, onCall } = this.#options;
    const name = certifiedName(call);
    if (name !== client) {
      onCall(`refused ${name ?? 'a client without a certificate'} at ${call.getPeer()}`);
      throw new Denied(`This agent takes no orders from '${name}': see its --allow.`);
    }
    if (version === ENFORCEMENT_VERSION) return;
    throw new ThymusError(
      'REFUSED',
      `This agent speaks version ${ENFORCEMENT_VERSION} and not ${version}: run the same version of thymus on both sides.`,
    );
  }

  async #change(
    what: string,
    { orders }: Orders,
    change: (orders: readonly Order[]) => Promise<readonly Outcome[]>,
  ): Promise<thymus.v1.OrderOutcomes.$Properties> {
    checkCount(orders);
    const read = orders.map(readOrder);
    const outcomes = await change(read.filter(isOrder));
    const each = outcomes.values();
    const answers = read.map((one) => outcomeMessage(isOrder(one) ? each.next().value : one));
    const done = orders.filter((_, i) => answers[i]!.isDone).map(({ id }) => id!);
    const { length: nFailed } = answers.filter(({ isDone }) => !isDone);
    const names = done.length === 0 ? 'nothing' : some(done);
    const rest = nFailed === 0 ? '' : `, ${nFailed} not: ${whyNot(answers)}`;
    this.#options.onCall(`${what} ${names}${rest}`);
    return { outcomes: answers };
  }

  async #verify({ orders }: Orders): Promise<thymus.v1.OrderStates.$Properties> {
    checkCount(orders);
    const states: thymus.v1.OrderState.$Properties[] = [];
    for (const message of orders) {
      const order = readOrder(message);
      const isEnforced = isOrder(order) ? await this.#options.keeper.verify(order) : false;
      states.push(isEnforced === null ? {} : { isEnforced });
    }
    return { states };
  }

  async #list(): Promise<thymus.v1.Enforced.$Properties> {
    const ids = await this.#options.keeper.list();
    return { isKnown: ids !== null, ids: [...(ids ?? [])] };
  }

  async #withdrawAll(): Promise<OutcomeMessage> {
    const { keeper, onCall } = this.#options;
    const outcome = await keeper.panic();
    onCall(
      outcome.ok ? 'let go of everything' : `could not let go of everything: ${outcome.reason}`,
    );
    return outcomeMessage(outcome);
  }
}

function checkCount(orders: readonly OrderMessage[]): void {
  if (orders.length <= MOST_ORDERS) return;
  throw new ThymusError('USAGE', `A request has at most ${MOST_ORDERS} orders: send several.`);
}

/** An order, or why it is none. */
function readOrder({ id, measure, ttlMs }: OrderMessage): Order | Outcome {
  try {
    return { id: id ?? '', measure: measureOf(measure ?? {}), ttlMs: ttlMs ?? 0 };
  } catch (error) {
    if (!(error instanceof ThymusError)) throw error;
    return { ok: false, reason: error.message, retry: false };
  }
}

const isOrder = (one: Order | Outcome): one is Order => 'id' in one;

const outcomeMessage = (outcome: Outcome | undefined): OutcomeMessage =>
  outcome?.ok === true
    ? { isDone: true }
    : {
        isDone: false,
        reason: outcome?.reason ?? 'It gave no answer.',
        mayRetry: outcome?.retry ?? true,
      };

function some(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
}

const whyNot = (answers: readonly OutcomeMessage[]): string =>
  answers.find(({ isDone }) => !isDone)?.reason ?? '';
