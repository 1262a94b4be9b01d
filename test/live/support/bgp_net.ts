import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoProgram } from './needs.js';

export const NEAR = '10.78.0.1';
export const FAR = '10.78.0.2';
const PORT = 1790;

/** Two network namespaces with a cable: a BGP daemon of thymus in `near`, and in `far` a gobgpd that hears it. */
export class BgpNet {
  readonly near = `thymus-bgp-${process.pid}-n`;
  readonly far = `thymus-bgp-${process.pid}-f`;
  readonly folder = mkdtempSync(join(tmpdir(), 'thymus-bgp-'));
  readonly #children: ChildProcess[] = [];

  /** @returns a sentence where this machine or its rights allow none */
  static make(): BgpNet | string {
    const missing = whyNoProgram('ip', 'iproute2', '-V') ?? whyNoProgram('gobgpd', 'gobgpd');
    if (missing !== null) return missing;
    const net = new BgpNet();
    const first = spawnSync('ip', ['netns', 'add', net.near], { encoding: 'utf8' });
    if (first.status !== 0) {
      net.remove();
      return `no network namespace can be made: ${first.stderr.trim()}`;
    }
    ip('netns', 'add', net.far);
    ip('link', 'add', 'e0', 'netns', net.near, 'type', 'veth', 'peer', 'e0', 'netns', net.far);
    for (const [name, address] of [
      [net.near, NEAR],
      [net.far, FAR],
    ] as const) {
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'e0');
      for (const link of ['lo', 'e0']) ip('-n', name, 'link', 'set', link, 'up');
    }
    return net;
  }

  within(namespace: string, ...command: readonly string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', namespace, ...command];
  }

  /** A gobgpd with its neighbour at the other end. */
  startGobgpd(side: 'near' | 'far'): ChildProcess {
    const [address, peer, as, peerAs] =
      side === 'near' ? [NEAR, FAR, 65_001, 65_002] : [FAR, NEAR, 65_002, 65_001];
    const families = ['ipv4-unicast', 'ipv6-unicast', 'ipv4-flowspec', 'ipv6-flowspec'];
    const config = `[global.config]
  as = ${as}
  router-id = "${address}"
  port = ${PORT}
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${peer}"
    peer-as = ${peerAs}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    remote-port = ${PORT}
    passive-mode = ${side === 'far'}
${families.map((name) => `  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = "${name}"\n`).join('')}`;
    const path = join(this.folder, `${side}.conf`);
    writeFileSync(path, config);
    return this.start(this[side], 'gobgpd', '-f', path);
  }

  start(namespace: string, ...command: readonly string[]): ChildProcess {
    const [program, ...args] = this.within(namespace, ...command);
    const child = spawn(program, args, { stdio: 'ignore' });
    this.#children.push(child);
    return child;
  }

  /** What the far end has heard, as text. */
  heard(): string {
    const tables = ['ipv4-flowspec', 'ipv6-flowspec', 'ipv4', 'ipv6'];
    return tables
      .map((table) => {
        const [program, ...args] = this.within(this.far, 'gobgp', 'global', 'rib', '-a', table);
        return spawnSync(program, args, { encoding: 'utf8' }).stdout;
      })
      .join('\n');
  }

  /** Waits until the far end has heard it, or not any more. */
  async hears(what: RegExp, there = true): Promise<void> {
    for (let i = 0; i < 100; i++) {
      if (what.test(this.heard()) === there) return;
      await sleep(100);
    }
    throw new Error(
      `The far end ${there ? 'has not heard' : 'still hears'} ${what.source}:\n${this.heard()}`,
    );
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of [this.near, this.far]) spawnSync('ip', ['netns', 'del', name]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
