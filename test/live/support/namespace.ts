import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoProgram } from './needs.js';

/** A network namespace with a cable of two ends, `near` and `far`; gone with `remove`. */
export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** @returns a sentence instead where this machine or its rights allow none */
  static make(): Namespace | string {
    const missing = whyNoProgram('ip', 'iproute2', '-V');
    if (missing !== null) return missing;
    const name = `thymus-test-${process.pid}`;
    const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
    if (made.status !== 0) return `no network namespace can be made: ${made.stderr.trim()}`;
    const namespace = new Namespace(name);
    // Nothing but what a test sends shall be on the cable.
    namespace.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    namespace.ip('link', 'set', 'lo', 'up');
    namespace.plug();
    return namespace;
  }

  /** What runs a command inside. */
  get wrapper(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  run(...command: readonly string[]): string {
    const [program, ...args] = [...this.wrapper, ...command];
    return execFileSync(program!, args, { encoding: 'utf8' });
  }

  ip(...args: readonly string[]): void {
    execFileSync('ip', ['-n', this.name, ...args]);
  }

  /** Settles when a packet socket hears one of these interfaces. */
  async heard(...interfaces: readonly string[]): Promise<void> {
    while (!interfaces.some((name) => this.hears(name))) await sleep(20);
  }

  /** True while a packet socket hears this interface. */
  hears(name: string): boolean {
    const number = this.run('cat', `/sys/class/net/${name}/ifindex`).trim();
    const sockets = this.run('cat', '/proc/net/packet').split('\n').slice(1);
    return sockets.some((line) => line.trim().split(/\s+/)[4] === number);
  }

  plug(): void {
    this.ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
    this.ip('link', 'set', 'near', 'up');
    this.ip('link', 'set', 'far', 'up');
  }

  unplug(): void {
    this.ip('link', 'del', 'near');
  }

  remove(): void {
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}

/** @returns a sentence where frames cannot be sent */
export function whyNoSender(): string | null {
  try {
    createRequire(import.meta.url)('cap');
    return null;
  } catch {
    return "the package 'cap' is not built: 'npm run setup' says why";
  }
}
