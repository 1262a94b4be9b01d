import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { handlesKind, requestText, type Verb } from './order_json.js';
import { DONE, failed, firstLine, forAll, refused } from './outcome.js';
import { runProgram, type Command, type Ran } from './program.js';
import { SerialQueue } from './serial_queue.js';

export interface CommandHookSettings {
  readonly program: Command;
  readonly timeoutMs: number;
  /** Kinds of measures it is asked for; null: all that change traffic. */
  readonly kinds: readonly string[] | null;
  /** It lets go by itself after the time that each order says. */
  readonly expiresByItself: boolean;
}

const MOST_WAITING = 256;
// Exit codes of sysexits.h that no second try changes.
const LASTING: ReadonlySet<number> = new Set([64, 65, 69, 77, 78]);

/**
 * Gives orders to a program of the operator: the verb as its last argument, the orders as JSON on
 * its standard input. Exit code 0 is done; for `verify` 0 is enforced and 1 is not; `list` prints
 * an id a line. Never through a shell.
 */
export class CommandHook implements Actuator {
  readonly name = 'command';
  readonly expiresByItself: boolean;
  readonly #settings: CommandHookSettings;
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor(settings: CommandHookSettings) {
    this.#settings = settings;
    this.expiresByItself = settings.expiresByItself;
  }

  handles(measure: Measure): boolean {
    return handlesKind(this.#settings.kinds, measure);
  }

  plan(orders: readonly Order[]): string {
    const words = [...this.#settings.program, 'apply'].map((word) => JSON.stringify(word));
    return `${words.join(' ')} <<< ${requestText('apply', orders)}`;
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return forAll(orders, this.#judge(await this.#run('apply', orders)));
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return forAll(orders, this.#judge(await this.#run('undo', orders)));
  }

  async verify(order: Order): Promise<boolean | null> {
    const ran = await this.#run('verify', [order]);
    if (ran?.status === 0) return true;
    return ran?.status === 1 ? false : null;
  }

  async list(): Promise<readonly string[] | null> {
    const ran = await this.#run('list', []);
    if (ran?.status !== 0) return null;
    return ran.stdout.split('\n').filter((id) => /^[0-9a-z-]{1,40}$/.test(id));
  }

  async panic(): Promise<Outcome> {
    return this.#judge(await this.#run('panic', []));
  }

  async close(): Promise<void> {
    await this.#queue.idle();
  }

  async #run(verb: Verb, orders: readonly Order[]): Promise<Ran | null> {
    const { program, timeoutMs } = this.#settings;
    const input = `${requestText(verb, orders)}\n`;
    return this.#queue.run(() => runProgram([...program, verb], { input, timeoutMs }));
  }

  #judge(ran: Ran | null): Outcome {
    if (ran === null) return failed('Too many orders wait for the command: try again later.');
    if (ran.status === 0) return DONE;
    if (ran.status === null) return ran.missing ? refused(ran.trouble!) : failed(ran.trouble!);
    const said = firstLine(ran.stderr);
    const reason = `'${this.#settings.program[0]}' failed with exit code ${ran.status} (${said}): see its own log.`;
    return LASTING.has(ran.status) ? refused(reason) : failed(reason);
  }
}
