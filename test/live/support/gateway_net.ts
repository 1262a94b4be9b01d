import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { whyNoProgram } from './needs.js';

/** For a watch that acts through nftables without a person, whatever it costs. */
export const ACTING_CONFIG = `
respond: auto
respond-history: 0
respond-fleet: 1
respond-devices: 1
respond-impact: 1
actuators:
  - kind: nftables
`;

export const CLIENT = '10.77.1.2';
export const OTHER_CLIENT = '10.77.1.3';
export const SERVER = '10.77.2.2';
export const CLIENT_6 = 'fd77:1::2';
export const SERVER_6 = 'fd77:2::2';
export const PORT = 80;
export const OTHER_PORT = 81;
/** By which one computer is run from another. */
export const ADMIN_PORT = 22;
/** Answers each datagram with itself. */
export const ECHO_PORT = 7;

export interface Probe {
  readonly how: 'tcp' | 'udp';
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Connections or datagrams at once; 1 by default. */
  readonly count?: number;
  readonly bytes?: number;
  readonly waitMs?: number;
}

interface Prober {
  readonly child: ChildProcess;
  readonly answers: Interface;
}

/**
 * Three network namespaces: client - gateway - server. The client has two addresses; the server
 * listens on three TCP ports and echoes UDP.
 */
export class GatewayNet {
  readonly gateway: string;
  readonly #client: string;
  readonly #server: string;
  readonly #children: ChildProcess[] = [];
  readonly #probers = new Map<string, Prober>();

  private constructor(name: string) {
    this.#client = `${name}-c`;
    this.gateway = `${name}-g`;
    this.#server = `${name}-s`;
  }

  /** @returns a sentence instead where this machine or its rights allow none */
  static async make(): Promise<GatewayNet | string> {
    const missing = whyNoProgram('ip', 'iproute2', '-V');
    if (missing !== null) return missing;
    const net = new GatewayNet(`thymus-gw-${process.pid}`);
    const first = spawnSync('ip', ['netns', 'add', net.gateway], { encoding: 'utf8' });
    if (first.status !== 0) return `no network namespace can be made: ${first.stderr.trim()}`;
    try {
      net.#plug();
      await net.#start();
      return net;
    } catch (error) {
      net.remove();
      throw error;
    }
  }

  /** What runs a program inside the gateway. */
  get wrapper(): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.gateway];
  }

  /** What runs a program at the client. */
  get clientWrapper(): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#client];
  }

  /** Starts a program at the server, where it stays until the net is removed. */
  serve(program: string, ...args: readonly string[]): void {
    const command = ['netns', 'exec', this.#server, program, ...args];
    this.#children.push(spawn('ip', command, { stdio: 'ignore' }));
  }

  /** The client listens, too, until the net is removed. */
  serveAtClient(): Promise<void> {
    return this.#listen(this.#client);
  }

  /** More addresses of the server. */
  addServers(addresses: readonly string[]): void {
    for (const one of addresses) ip('-n', this.#server, 'addr', 'add', `${one}/24`, 'dev', 'eth0');
  }

  /** How many of the probe's connections or datagrams came through. */
  async probe(probe: Probe): Promise<number> {
    const { child, answers } = this.#proberIn(probe.from === SERVER ? this.#server : this.#client);
    const answer = new Promise<string>((resolve) => answers.once('line', resolve));
    child.stdin!.write(`${JSON.stringify(probe)}\n`);
    return Number(await answer);
  }

  async reaches(from: string, to: string, port: number = PORT): Promise<boolean> {
    return (await this.probe({ how: 'tcp', from, to, port })) > 0;
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of [this.#client, this.gateway, this.#server]) {
      spawnSync('ip', ['netns', 'del', name]);
    }
  }

  #plug(): void {
    for (const [name, side] of [
      [this.#client, 1],
      [this.#server, 2],
    ] as const) {
      const hosts = side === 1 ? [CLIENT, OTHER_CLIENT] : [SERVER];
      ip('netns', 'add', name);
      ip(
        'link',
        'add',
        'eth0',
        'netns',
        name,
        'type',
        'veth',
        'peer',
        `lan${side}`,
        'netns',
        this.gateway,
      );
      for (const host of hosts) ip('-n', name, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
      ip('-n', name, 'addr', 'add', `fd77:${side}::2/64`, 'dev', 'eth0', 'nodad');
      ip('-n', this.gateway, 'addr', 'add', `10.77.${side}.1/24`, 'dev', `lan${side}`);
      ip('-n', this.gateway, 'addr', 'add', `fd77:${side}::1/64`, 'dev', `lan${side}`, 'nodad');
      for (const [inside, link] of [
        [name, 'lo'],
        [name, 'eth0'],
        [this.gateway, `lan${side}`],
      ] as const) {
        ip('-n', inside, 'link', 'set', link, 'up');
      }
      ip('-n', name, 'route', 'add', 'default', 'via', `10.77.${side}.1`);
      ip('-n', name, '-6', 'route', 'add', 'default', 'via', `fd77:${side}::1`);
    }
    const settings = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
    for (const setting of settings) {
      execFileSync('ip', ['netns', 'exec', this.gateway, 'sysctl', '-qw', setting]);
    }
  }

  async #start(): Promise<void> {
    await this.#listen(this.#server);
    this.#proberIn(this.#client);
  }

  async #listen(namespace: string): Promise<void> {
    const server = this.#spawn(namespace, 'probe_server.js');
    await new Promise((resolve) => createInterface(server.stdout!).once('line', resolve));
  }

  #proberIn(namespace: string): Prober {
    const known = this.#probers.get(namespace);
    if (known !== undefined) return known;
    const child = this.#spawn(namespace, 'probe_client.js');
    const prober = { child, answers: createInterface(child.stdout!) };
    this.#probers.set(namespace, prober);
    return prober;
  }

  #spawn(namespace: string, script: string): ChildProcess {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const args = ['netns', 'exec', namespace, process.execPath, path];
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    return child;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
