import type { ChildProcess } from 'node:child_process';
import { LabLog } from './log.js';
import { Random } from './random.js';
import { inside, outcomeOf, start, type Outcome } from './shell.js';

/** What servers, activities and scenarios work with. */
export class Lab {
  readonly log = new LabLog();
  /** Scratch space in memory, gone with the lab. */
  readonly folder: string;
  /** Of the attacks: 1 is a tool's usual pace. */
  readonly intensity: number;
  readonly #seed: number;
  readonly #servers = new Map<string, ChildProcess>();

  constructor(options: {
    readonly folder: string;
    readonly seed: number;
    readonly intensity: number;
  }) {
    this.folder = options.folder;
    this.intensity = options.intensity;
    this.#seed = options.seed;
  }

  random(name: string): Random {
    return new Random(this.#seed, name);
  }

  /** Runs a command at a host to its end. */
  async run(host: string, command: readonly string[]): Promise<Outcome> {
    return outcomeOf(start(inside(host, command), this.folder));
  }

  /** As `run`, for what must succeed. */
  async must(host: string, command: readonly string[]): Promise<string> {
    const { exitCode, output } = await this.run(host, command);
    if (exitCode === 0) return output;
    throw new Error(
      `${command.join(' ')} at ${host} ended with ${exitCode ?? 'a signal'}: ${output}`,
    );
  }

  /** Starts a server under a name; one that ends before it is stopped ends the lab. */
  serve(name: string, host: string, command: readonly string[]): void {
    const child = start(inside(host, command), this.folder);
    this.#servers.set(name, child);
    void outcomeOf(child).then(({ output }) => {
      if (this.#servers.get(name) !== child) return;
      process.stderr.write(`The server ${name} ended: ${output}\n`);
      process.exit(1);
    });
  }

  async stop(name: string): Promise<void> {
    const child = this.#servers.get(name);
    this.#servers.delete(name);
    if (child === undefined || child.exitCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await closed;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((name) => this.stop(name)));
  }
}
