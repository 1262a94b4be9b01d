import type { Edge, Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { parseAddress, parsePair } from './address.js';
import { DONE, forAll, refused } from './outcome.js';
import {
  MOST_SPARED,
  MOST_TARGETS,
  type OpenInjector,
  type ResetInjector,
  type ResetInjectorOptions,
  type ResetTarget,
  type SparedEdge,
} from './reset_injector.js';

export interface TcpResetSettings {
  readonly injector: ResetInjectorOptions;
  readonly open: OpenInjector;
  /** Kinds of measures it is asked for; null: all that it can enforce. */
  readonly kinds: readonly string[] | null;
  /** Told what came of it when it lets go of the last target. */
  readonly onNote: (sentence: string) => void;
}

/**
 * Ends TCP connections from a tap that nothing passes through: each segment of what is blocked is
 * answered with resets to both ends. What it enforces lives in this process and ends with it.
 */
export class TcpReset implements Actuator {
  readonly name = 'tcp_reset';
  readonly expiresByItself = false;
  readonly #settings: TcpResetSettings;
  readonly #targets = new Map<string, ResetTarget>();
  #injector: ResetInjector | null = null;

  constructor(settings: TcpResetSettings) {
    this.#settings = settings;
  }

  handles(measure: Measure): boolean {
    const { kinds } = this.#settings;
    return targetOf(measure) !== NO_TCP && (kinds?.includes(measure.kind) ?? true);
  }

  plan(orders: readonly Order[]): string {
    const { tap, out } = this.#settings.injector;
    const lines = orders.map(({ id, measure }) => {
      const target = targetOf(measure);
      if (typeof target === 'string') return `# ${id}: ${target}`;
      return `reset TCP of ${wordsOf(target)}, seen on ${tap}, sent over ${out}`;
    });
    return lines.join('\n');
  }

  apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    const injector = this.#opened();
    if ('ok' in injector) return Promise.resolve(forAll(orders, injector));
    const before = new Map(this.#targets);
    const outcomes = orders.map((order) => this.#hold(order));
    const done = injector.setTargets([...this.#targets.values()]);
    if (!done.ok) {
      this.#targets.clear();
      for (const [id, target] of before) this.#targets.set(id, target);
    }
    if (this.#targets.size === 0) this.#close();
    return Promise.resolve(outcomes.map((outcome) => (outcome.ok ? done : outcome)));
  }

  undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    for (const { id } of orders) this.#targets.delete(id);
    if (this.#targets.size === 0) this.#close();
    // What it is told is let go of in any case.
    else this.#injector?.setTargets([...this.#targets.values()]);
    return Promise.resolve(forAll(orders, DONE));
  }

  /** False also when connections are seen to go on although they were reset. */
  verify({ id }: Order): Promise<boolean | null> {
    const index = [...this.#targets.keys()].indexOf(id);
    const state = this.#injector?.state();
    const target = state?.targets[index];
    return Promise.resolve(state?.isListening === true && target?.isOutlived === false);
  }

  list(): Promise<readonly string[] | null> {
    return Promise.resolve([...this.#targets.keys()]);
  }

  panic(): Promise<Outcome> {
    this.#targets.clear();
    this.#close();
    return Promise.resolve(DONE);
  }

  /** Nothing can stay in force without it. */
  async close(): Promise<void> {
    await this.panic();
  }

  #opened(): ReturnType<OpenInjector> {
    if (this.#injector !== null) return this.#injector;
    const opened = this.#settings.open(this.#settings.injector);
    if (!('ok' in opened)) this.#injector = opened;
    return opened;
  }

  #hold({ id, measure, ttlMs }: Order): Outcome {
    const target = targetOf(measure);
    if (typeof target === 'string') return refused(target);
    if (ttlMs <= 0) return refused('Its time is over before it begins.');
    if (this.#targets.size >= MOST_TARGETS && !this.#targets.has(id)) return refused(FULL);
    this.#targets.set(id, target);
    return DONE;
  }

  #close(): void {
    const injector = this.#injector;
    if (injector === null) return;
    this.#injector = null;
    const { answered, sent, heldBack, unanswerable, sendFailures, kernelDrops } = injector.state();
    injector.close();
    this.#settings.onNote(
      `tcp_reset let go: ${answered} segments were answered with ${sent} resets; ` +
        `${heldBack} were left to the bounds of its rate, ${unanswerable} had no answer, ` +
        `${sendFailures} resets did not leave, ${kernelDrops} frames came too fast.`,
    );
  }
}

const FULL = `${MOST_TARGETS} targets are held already and no more fit: withdraw some.`;

const noAddress = (text: string): string =>
  `'${text}' is no address (or two of different IP versions): resets need single addresses.`;

const NO_TCP = 'Resets end TCP connections only, and cannot enforce this.';

const carriesTcp = ({ protocol }: Edge): boolean => protocol === 'tcp' || protocol === 'any';

/** @returns a sentence for what resets cannot enforce */
function targetOf(measure: Measure): ResetTarget | string {
  if (measure.kind === 'isolate') return hostTarget(measure.host);
  if (measure.kind === 'block_external') return hostTarget(measure.address);
  if (measure.kind === 'hold_pattern') return heldTarget(measure.host, measure.edges);
  if (measure.kind !== 'block_edge' || !carriesTcp(measure.edge)) return NO_TCP;
  return edgeTarget(measure.edge);
}

function hostTarget(host: string): ResetTarget | string {
  const address = parseAddress(host);
  if (address === null) return noAddress(host);
  return { host: address.text, peer: null, peerPort: null, spared: [] };
}

function edgeTarget({ from, to, port }: Edge): ResetTarget | string {
  const pair = parsePair(from, to);
  if (pair === null) return noAddress(`${from} and ${to}`);
  return { host: pair.from.text, peer: pair.to.text, peerPort: port, spared: [] };
}

function heldTarget(host: string, edges: readonly Edge[]): ResetTarget | string {
  const target = hostTarget(host);
  if (typeof target === 'string') return target;
  const spared: SparedEdge[] = [];
  for (const { from, to, port } of edges.filter(carriesTcp)) {
    const pair = parsePair(from, to);
    if (pair === null) return noAddress(`${from} and ${to}`);
    spared.push({ from: pair.from.text, to: pair.to.text, port });
  }
  if (spared.length > MOST_SPARED) {
    return `A pattern of ${spared.length} edges is too large (at most ${MOST_SPARED}): isolate the host instead.`;
  }
  return { ...target, spared };
}

function wordsOf({ host, peer, peerPort, spared }: ResetTarget): string {
  if (spared.length > 0) return `${host} but for ${spared.length} edges`;
  if (peer === null) return host;
  return `${host} with ${peer}${peerPort === null ? '' : ` port ${peerPort}`}`;
}
