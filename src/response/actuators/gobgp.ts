import type { Outcome } from './actuator.js';
import { prefixLength, type BgpRoute } from './bgp_route.js';
import type { BgpSpeaker, RouteAttributes } from './bgp_speaker.js';
import { parseGobgpTable } from './gobgp_table.js';
import { DONE, failed, firstLine, refused } from './outcome.js';
import { runProgram, type Command, type Ran } from './program.js';

export interface GobgpSettings extends RouteAttributes {
  /** What starts gobgp, with its options such as --host and --port. */
  readonly program: Command;
  readonly timeoutMs: number;
}

const ESTABLISHED = 6;
const TABLES = ['ipv4-flowspec', 'ipv6-flowspec', 'ipv4', 'ipv6'] as const;
const TABLE_BYTES = 16 << 20;

/** GoBGP, through its command. Exit codes are not enough: what it did is read back. */
export class Gobgp implements BgpSpeaker {
  readonly name = 'gobgp';
  readonly #settings: GobgpSettings;

  constructor(settings: GobgpSettings) {
    this.#settings = settings;
  }

  plan(route: BgpRoute): string {
    return [...this.#settings.program, ...this.#words('add', route)].join(' ');
  }

  async ready(): Promise<Outcome> {
    const ran = await this.#run('neighbor', '-j');
    const trouble = whyFailed(ran);
    if (trouble !== null) return trouble;
    try {
      const neighbours = JSON.parse(ran.stdout) as readonly Neighbour[];
      if (neighbours.some(({ state }) => state?.session_state === ESTABLISHED)) return DONE;
    } catch {
      return failed("gobgp's list of neighbours cannot be read: check its version.");
    }
    return failed(
      'No BGP session is up, so that nobody would hear the route: check the neighbours.',
    );
  }

  async announce(route: BgpRoute): Promise<Outcome> {
    if (route.kind === 'blackhole' && this.#settings.nextHop[route.family] === null) {
      return refused(`A blackhole route of IPv${route.family} needs 'next_hop_${route.family}'.`);
    }
    return this.#change('add', route);
  }

  async withdraw(route: BgpRoute): Promise<Outcome> {
    return this.#change('del', route);
  }

  async marked(): Promise<readonly BgpRoute[] | null> {
    const tables = await Promise.all(
      TABLES.map(async (table) => {
        const ran = await this.#run('global', 'rib', '-a', table, '-j');
        return whyFailed(ran) === null ? parseGobgpTable(ran.stdout, this.#settings.mark) : null;
      }),
    );
    const known = tables.filter((routes) => routes !== null);
    return known.length === tables.length ? known.flat() : null;
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  async #change(verb: 'add' | 'del', route: BgpRoute): Promise<Outcome> {
    return whyFailed(await this.#run(...this.#words(verb, route))) ?? DONE;
  }

  #words(verb: 'add' | 'del', route: BgpRoute): readonly string[] {
    const { mark, blackholeCommunities, nextHop } = this.#settings;
    const bits = prefixLength(route.family);
    if (route.kind === 'blackhole') {
      const words = ['global', 'rib', verb, '-a', `ipv${route.family}`, `${route.address}/${bits}`];
      const communities = [...blackholeCommunities, mark].join(',');
      if (verb === 'del') return words;
      return [...words, 'nexthop', nextHop[route.family] ?? '', 'community', communities];
    }
    const { source, destination, protocol, destinationPort, bytesPerSecond } = route;
    const match = [
      ...(destination === null ? [] : ['destination', `${destination}/${bits}`]),
      ...(source === null ? [] : ['source', `${source}/${bits}`]),
      ...(protocol === null ? [] : ['protocol', `==${protocol}`]),
      ...(destinationPort === null ? [] : ['destination-port', `==${destinationPort}`]),
    ];
    const action = bytesPerSecond === null ? ['discard'] : ['rate-limit', String(bytesPerSecond)];
    const table = `ipv${route.family}-flowspec`;
    const words = ['global', 'rib', verb, '-a', table, 'match', ...match, 'then', ...action];
    return [...words, 'community', mark];
  }

  async #run(...args: readonly string[]): Promise<Ran> {
    const { program, timeoutMs } = this.#settings;
    return runProgram([...program, ...args], { timeoutMs, outputBytes: TABLE_BYTES });
  }
}

interface Neighbour {
  readonly state?: { readonly session_state?: number };
}

function whyFailed(ran: Ran): Outcome | null {
  if (ran.status === null) return ran.missing ? refused(ran.trouble!) : failed(ran.trouble!);
  const said = firstLine(ran.stderr === '' ? ran.stdout : ran.stderr);
  if (ran.status === 0 && !/^(?:\{"error"|[Ee]rror)/.test(said)) return null;
  const away = /deadline exceeded|refused|unavailable/i.test(said);
  if (away) return failed('gobgpd does not answer: start it, or give its host and port.');
  return failed(`gobgp refuses the route (${said}): see the log of gobgpd.`);
}
