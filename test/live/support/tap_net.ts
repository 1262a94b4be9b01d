import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const CLIENT = '10.78.0.2';
export const OTHER_CLIENT = '10.78.0.3';
export const SERVER = '10.78.0.9';
export const CLIENT_6 = 'fd78::2';
export const OTHER_CLIENT_6 = 'fd78::3';
export const SERVER_6 = 'fd78::9';
export const PORT = 80;
export const OTHER_PORT = 81;

/**
 * Client and server at a hub, and a tap that hears all of it but through which nothing passes:
 * a bridge that learns no places floods every frame to every port.
 */
export class TapNet {
  readonly #name = `thymus-reset-${process.pid}`;
  readonly #children: ChildProcess[] = [];

  private constructor() {}

  /** @returns a sentence instead where this machine or its rights allow none */
  static make(): TapNet | string {
    if (spawnSync('ip', ['-V']).error !== undefined) {
      return "the program 'ip' is missing: install iproute2";
    }
    const net = new TapNet();
    const first = spawnSync('ip', ['netns', 'add', net.#space('hub')], { encoding: 'utf8' });
    if (first.status !== 0) return `no network namespace can be made: ${first.stderr.trim()}`;
    try {
      net.#plugAll();
      return net;
    } catch (error) {
      net.remove();
      throw error;
    }
  }

  /** What runs a program at one of the places. */
  wrapper(place: 'client' | 'server' | 'tap'): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#space(place)];
  }

  /** A script of this folder at one of the places, which has said that it is ready. */
  async start(place: 'client' | 'server' | 'tap', script: string): Promise<Talker> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const [program, ...args] = [...this.wrapper(place), process.execPath, path];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    const talker = new Talker(child);
    await talker.heard(({ event }) => event === 'ready');
    return talker;
  }

  /** Takes the tap's cable away. */
  unplugTap(): void {
    ip('-n', this.#space('hub'), 'link', 'del', 'tap');
  }

  plugTap(): void {
    this.#plug('tap');
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const place of ['client', 'server', 'tap', 'hub']) {
      spawnSync('ip', ['netns', 'del', this.#space(place)]);
    }
  }

  #space(place: string): string {
    return `${this.#name}-${place}`;
  }

  #plugAll(): void {
    const hub = this.#space('hub');
    ip('-n', hub, 'link', 'add', 'hub', 'type', 'bridge', 'ageing_time', '0');
    ip('-n', hub, 'link', 'set', 'hub', 'up');
    for (const [place, hosts] of [
      ['client', [CLIENT, OTHER_CLIENT, CLIENT_6, OTHER_CLIENT_6]],
      ['server', [SERVER, SERVER_6]],
    ] as const) {
      const space = this.#space(place);
      ip('netns', 'add', space);
      this.#plug(place);
      for (const host of hosts) {
        const words = host.includes(':') ? [`${host}/64`, 'nodad'] : [`${host}/24`];
        ip('-n', space, 'addr', 'add', ...words, 'dev', 'eth0');
      }
    }
    ip('netns', 'add', this.#space('tap'));
    this.#plug('tap');
  }

  #plug(place: string): void {
    const [hub, space] = [this.#space('hub'), this.#space(place)];
    const peer = ['peer', 'name', place, 'netns', hub];
    ip('link', 'add', 'eth0', 'netns', space, 'type', 'veth', ...peer);
    ip('-n', hub, 'link', 'set', place, 'master', 'hub', 'up');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
  }
}

/** What scripts of a tap's net say, a line each. */
export interface Said {
  readonly event: string;
  readonly id?: string;
  /** Why a connection ended; null: in order. */
  readonly code?: string | null;
  readonly bytes?: number;
  /** The client's. */
  readonly port?: number;
  readonly answer?: unknown;
}

/** A script that is told and says things as lines of JSON. */
export class Talker {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #said: Said[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface(child.stdout!);
    this.#lines.on('line', (line) => this.#said.push(JSON.parse(line) as Said));
  }

  tell(what: object): void {
    this.#child.stdin!.write(`${JSON.stringify(what)}\n`);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** The first thing of this kind that it has said or says. */
  async heard(fits: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.#said.find(fits);
      if (found !== undefined) return found;
      await once(this.#lines, 'line');
    }
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
