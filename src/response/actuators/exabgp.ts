import type { Outcome } from './actuator.js';
import { prefixLength, type BgpRoute } from './bgp_route.js';
import type { BgpSpeaker, RouteAttributes } from './bgp_speaker.js';
import { parseExabgpRoutes } from './exabgp_routes.js';
import { DONE, failed, firstLine, refused } from './outcome.js';
import { runProgram, type Command, type Ran } from './program.js';
import { SerialQueue } from './serial_queue.js';

export interface ExabgpSettings extends RouteAttributes {
  /** What starts exabgpcli, with its options such as --root. */
  readonly program: Command;
  readonly timeoutMs: number;
}

const MOST_WAITING = 256;
const TABLE_BYTES = 16 << 20;
const ESTABLISHED = /^\S+\s+\d+\s+\S+\s+established\b/m;

/** ExaBGP, through the named pipes of its command; needs `adj-rib-out true` for each neighbour. */
export class Exabgp implements BgpSpeaker {
  readonly name = 'exabgp';
  readonly #settings: ExabgpSettings;
  // Its pipes belong to one asker at a time.
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor(settings: ExabgpSettings) {
    this.#settings = settings;
  }

  plan(route: BgpRoute): string {
    return `${this.#settings.program.join(' ')} ${this.#words('announce', route).join(' ')}`;
  }

  async ready(): Promise<Outcome> {
    const ran = await this.#run(['show', 'neighbor', 'summary']);
    const trouble = whyFailed(ran);
    if (trouble !== null) return trouble;
    if (ran !== null && ESTABLISHED.test(ran.stdout)) return DONE;
    return failed(
      'No BGP session is up, so that nobody would hear the route: check the neighbours.',
    );
  }

  async announce(route: BgpRoute): Promise<Outcome> {
    if (route.kind === 'blackhole' && this.#settings.nextHop[route.family] === null) {
      return refused(`A blackhole route of IPv${route.family} needs 'next_hop_${route.family}'.`);
    }
    return whyFailed(await this.#run(this.#words('announce', route))) ?? DONE;
  }

  async withdraw(route: BgpRoute): Promise<Outcome> {
    return whyFailed(await this.#run(this.#words('withdraw', route))) ?? DONE;
  }

  async marked(): Promise<readonly BgpRoute[] | null> {
    const ran = await this.#run(['show', 'adj-rib', 'out', 'extensive']);
    if (ran === null || whyFailed(ran) !== null) return null;
    return parseExabgpRoutes(ran.stdout, this.#settings.mark);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
  }

  #words(verb: 'announce' | 'withdraw', route: BgpRoute): readonly string[] {
    const { mark, blackholeCommunities, nextHop } = this.#settings;
    const bits = prefixLength(route.family);
    if (route.kind === 'blackhole') {
      const communities = [...blackholeCommunities, mark].join(' ');
      const hop = nextHop[route.family] ?? 'self';
      const text = `${route.address}/${bits} next-hop ${hop} community [${communities}]`;
      return [verb, 'route', ...text.split(' ')];
    }
    const { source, destination, protocol, destinationPort, bytesPerSecond } = route;
    const match = [
      ...(source === null ? [] : [`source ${source}/${bits};`]),
      ...(destination === null ? [] : [`destination ${destination}/${bits};`]),
      ...(protocol === null ? [] : [`protocol =${protocol};`]),
      ...(destinationPort === null ? [] : [`destination-port =${destinationPort};`]),
    ];
    const action = bytesPerSecond === null ? 'discard;' : `rate-limit ${bytesPerSecond};`;
    const text = `{ match { ${match.join(' ')} } then { ${action} community [${mark}]; } }`;
    return [verb, 'flow', 'route', ...text.split(' ')];
  }

  async #run(words: readonly string[]): Promise<Ran | null> {
    const { program, timeoutMs } = this.#settings;
    return this.#queue.run(() =>
      runProgram([...program, ...words], { timeoutMs, outputBytes: TABLE_BYTES }),
    );
  }
}

function whyFailed(ran: Ran | null): Outcome | null {
  if (ran === null) return failed('Too many requests wait for ExaBGP: try again later.');
  if (ran.status === null) {
    if (ran.missing) return refused(ran.trouble!);
    return failed(`ExaBGP does not answer: start it with its named pipes (${ran.trouble!})`);
  }
  const said = `${ran.stdout}\n${ran.stderr}`;
  if (/returns an error/.test(said)) {
    return failed('ExaBGP refuses the route: see its log, and allow the address family.');
  }
  if (ran.status === 0) return null;
  return failed(`ExaBGP does not answer (${firstLine(said)}): start it with its named pipes.`);
}
