import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { readIfThere, replaceFile, whyNotWritten } from './atomic_file.js';
import { DONE, failed, firstLine, refused } from './outcome.js';
import { runProgram, type Command } from './program.js';
import { nextSerial, parseZone, zoneName, zoneText, type ZoneForm } from './rpz_zone.js';
import { SerialQueue } from './serial_queue.js';

export interface RpzSettings extends ZoneForm {
  /** The zone file; nobody else writes it. */
  readonly path: string;
  /** What makes the name server read it again; null: it looks by itself. */
  readonly reload: Command | null;
  readonly timeoutMs: number;
  /** Wall clock in milliseconds, for serial numbers; Date.now by default. */
  readonly nowMs?: () => number;
}

const MOST_WAITING = 256;
const MOST_NAMES = 100_000;

type Names = Map<string, readonly string[]>;

/** Sinkholes names with a response policy zone that BIND, Unbound, Knot or PowerDNS reads. */
export class Rpz implements Actuator {
  readonly name = 'rpz';
  readonly expiresByItself = false;
  readonly #settings: RpzSettings;
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor(settings: RpzSettings) {
    this.#settings = settings;
  }

  handles(measure: Measure): boolean {
    return measure.kind === 'sinkhole';
  }

  plan(orders: readonly Order[]): string {
    const names = new Map<string, readonly string[]>();
    for (const order of orders) add(names, order);
    const { path, reload } = this.#settings;
    const lines = [`# into ${path}:`, zoneText({ serial: 0, names }, this.#settings).trimEnd()];
    return [...lines, ...(reload === null ? [] : [`# then: ${reload.join(' ')}`])].join('\n');
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#change(orders, add);
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#change(orders, remove);
  }

  async verify(order: Order): Promise<boolean | null> {
    const names = await this.#names();
    const name = nameOf(order);
    return names === null ? null : name !== null && names.has(name);
  }

  async list(): Promise<readonly string[] | null> {
    const names = await this.#names();
    return names === null ? null : [...new Set([...names.values()].flat())];
  }

  async panic(): Promise<Outcome> {
    return this.#save((names) => names.clear());
  }

  async close(): Promise<void> {
    await this.#queue.idle();
  }

  async #names(): Promise<ReadonlyMap<string, readonly string[]> | null> {
    try {
      return parseZone((await readIfThere(this.#settings.path)) ?? '').names;
    } catch {
      return null;
    }
  }

  async #change(
    orders: readonly Order[],
    change: (names: Names, order: Order) => void,
  ): Promise<readonly Outcome[]> {
    const good = orders.filter((order) => nameOf(order) !== null);
    const shared =
      good.length === 0
        ? DONE
        : await this.#save((names) => {
            for (const order of good) change(names, order);
          });
    return orders.map((order) => (nameOf(order) === null ? refused(NO_NAME) : shared));
  }

  async #save(change: (names: Names) => void): Promise<Outcome> {
    const saved = await this.#queue.run(() => this.#replace(change));
    return saved ?? failed('Too many changes wait for the zone file: try again later.');
  }

  async #replace(change: (names: Names) => void): Promise<Outcome> {
    const { path, nowMs = Date.now } = this.#settings;
    try {
      const before = await readIfThere(path);
      const zone = parseZone(before ?? '');
      const names = new Map(zone.names);
      change(names);
      if (names.size > MOST_NAMES) {
        return refused(`The zone holds ${MOST_NAMES} names and takes no more: withdraw some.`);
      }
      const serial = nextSerial(zone.serial, nowMs() / 1000);
      await replaceFile(path, zoneText({ serial, names }, this.#settings));
      const reloaded = await this.#reload();
      // What the name server has not taken is not done, and must not come true at its next start.
      if (!reloaded.ok) {
        const old = before ?? zoneText({ serial, names: new Map() }, this.#settings);
        await replaceFile(path, old);
      }
      return reloaded;
    } catch (error) {
      return failed(whyNotWritten(path, error));
    }
  }

  async #reload(): Promise<Outcome> {
    const { reload, timeoutMs } = this.#settings;
    if (reload === null) return DONE;
    const ran = await runProgram(reload, { timeoutMs });
    if (ran.status === 0) return DONE;
    if (ran.status === null) return ran.missing ? refused(ran.trouble!) : failed(ran.trouble!);
    const said = firstLine(ran.stderr === '' ? ran.stdout : ran.stderr);
    return failed(`The name server does not read the zone (${said}): check that it runs.`);
  }
}

const NO_NAME =
  'It is no name of two labels or more: a sinkhole needs a domain such as bad.example.';

const nameOf = ({ measure }: Order): string | null =>
  measure.kind === 'sinkhole' ? zoneName(measure.domain) : null;

function add(names: Names, order: Order): void {
  const name = nameOf(order);
  if (name === null) return;
  names.set(name, [...new Set([...(names.get(name) ?? []), order.id])]);
}

function remove(names: Names, order: Order): void {
  const name = nameOf(order);
  const ids = name === null ? undefined : names.get(name)?.filter((id) => id !== order.id);
  if (ids === undefined) return;
  if (ids.length === 0) names.delete(name!);
  else names.set(name!, ids);
}
