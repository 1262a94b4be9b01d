import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { LAYOUT_HASH } from '../batch/generated/record_layout.js';
import { isPrefix } from '../domain/prefix.js';
import { ThymusError } from '../errors.js';
import type {
  Addon,
  EvidenceRequest,
  EvidenceResult,
  NativeOptions,
  NativeStats,
} from './addon_types.js';

/**
 * The only door to the native core. Arguments are checked here, once, so that native code only
 * asserts. Works in the main thread and in workers: a handle is valid in the whole process.
 */

const ADDON_PATH = fileURLToPath(
  new URL('../../../build/cmake/Release/thymus.node', import.meta.url),
);

export const MOST_LANES = 64;
const MOST_CPU = 1023;
export const MOST_SHARDS = 64;
export const SMALLEST_BUFFER_BYTES = 1 << 20;

let loaded: Addon | undefined;

function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  if (!existsSync(ADDON_PATH)) {
    throw new ThymusError(
      'ADDON_MISSING',
      `The native core is not built (${ADDON_PATH} is missing): run 'npm run setup'.`,
    );
  }
  let core: Addon;
  try {
    core = createRequire(import.meta.url)(ADDON_PATH) as Addon;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ThymusError(
      'ADDON_MISSING',
      `The native core cannot be loaded (${why}): run 'npm run setup' to build it for this machine.`,
      { cause },
    );
  }
  if (core.layoutHash() !== LAYOUT_HASH) {
    throw new ThymusError(
      'ADDON_STALE',
      "The native core was built with another record layout: run 'npm run setup' to rebuild it.",
    );
  }
  return core;
}

/** Hash of the record and event lists that the native core was built with. */
export function layoutHash(): number {
  return addon().layoutHash();
}

/**
 * Opens captures and starts the reader and the lanes.
 * @returns a handle for `attachRun` in any thread, valid until `NativeRun.close`
 * @throws ThymusError USAGE when an option is out of its range
 */
export function openRun(options: NativeOptions): NativeRun {
  checkOptions(options);
  return new NativeRun(addon(), openHandle(options), options.shards);
}

/** What only the core can tell, such as whether a CPU is there, it says in one sentence. */
function openHandle(options: NativeOptions): number {
  try {
    return addon().open(options);
  } catch (cause) {
    throw new ThymusError('USAGE', (cause as Error).message, { cause });
  }
}

/**
 * What an operator should change before relying on interfaces, a sentence each.
 * @throws ThymusError USAGE when a pattern fits none
 */
export function preflight(patterns: readonly string[]): string[] {
  checkSources(patterns, 'interface');
  try {
    return addon().preflight(patterns);
  } catch (cause) {
    throw new ThymusError('USAGE', (cause as Error).message, { cause });
  }
}

/** Reads captures again and writes those of incidents. @returns a result for each request */
export function extractEvidence(
  sources: readonly string[],
  requests: readonly EvidenceRequest[],
): Promise<EvidenceResult[]> {
  return addon().extractEvidence(sources, requests);
}

/** Tells the service manager at a socket (sd_notify(3)). @returns false when it was not sent */
export function notifyService(path: string, text: string): boolean {
  return addon().notifyService(path, text);
}

/** A run that another thread has opened. */
export function attachRun(handle: number, shards: number): NativeRun {
  requireInteger('handle', handle, 0, Number.MAX_SAFE_INTEGER);
  requireInteger('shards', shards, 1, MOST_SHARDS);
  return new NativeRun(addon(), handle, shards);
}

/** One run of the native core, as one thread sees it. */
export class NativeRun {
  readonly handle: number;
  readonly #core: Addon;
  readonly #shards: number;

  constructor(core: Addon, handle: number, shards: number) {
    this.#core = core;
    this.handle = handle;
    this.#shards = shards;
  }

  /**
   * Copies whole batches of a queue into `buffer`, waiting up to `timeoutMs` for the first one.
   * Queue number `shards` is the publish queue.
   * @returns bytes written, 0 when the time ran out, -1 when the run has ended
   */
  drain(queue: number, buffer: Uint8Array, timeoutMs: number): number {
    requireInteger('queue', queue, 0, this.#shards);
    requireInteger('timeoutMs', timeoutMs, 0, 10_000);
    if (!(buffer instanceof Uint8Array) || buffer.byteLength < SMALLEST_BUFFER_BYTES) {
      throw usage(`The buffer for batches must be a Uint8Array of at least 1 MiB.`);
    }
    return this.#core.drain(this.handle, queue, buffer, timeoutMs);
  }

  /** Writes the capture of an incident out of the last frames. */
  async saveEvidence(request: EvidenceRequest): Promise<EvidenceResult> {
    const [result] = await this.#core.saveEvidence(this.handle, request);
    return result!;
  }

  stats(): NativeStats {
    return this.#core.stats(this.handle);
  }

  /** Ends the input early; what was read still comes through `drain`. Twice is harmless. */
  stop(): void {
    this.#core.stop(this.handle);
  }

  /** Stops, joins the threads and frees everything. Waits for `drain` calls under way. */
  close(): void {
    this.#core.close(this.handle);
  }
}

export interface FiveTuple {
  /** IP protocol number. */
  readonly protocol: number;
  /** 4 or 16 bytes, both of the same length. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** For ICMP the type. */
  readonly sourcePort: number;
  /** For ICMP the code. */
  readonly destinationPort: number;
}

/**
 * Community ID v1, the hash by which other tools name the same flow.
 * @param seed 0 to 65535, 0 by default
 */
export function communityId(tuple: FiveTuple, seed = 0): string {
  requireInteger('protocol', tuple.protocol, 0, 255);
  requireInteger('sourcePort', tuple.sourcePort, 0, 65535);
  requireInteger('destinationPort', tuple.destinationPort, 0, 65535);
  requireInteger('seed', seed, 0, 65535);
  const { source, destination } = tuple;
  if (source.length !== destination.length || (source.length !== 4 && source.length !== 16)) {
    throw usage('Both addresses of a five-tuple must have 4 bytes, or both 16.');
  }
  return addon().communityId(
    tuple.protocol,
    source,
    destination,
    tuple.sourcePort,
    tuple.destinationPort,
    seed,
  );
}

/** Calls on injectors of resets; `engine/reset_injector.ts` checks what they are given. */
export type InjectorCalls = Pick<
  Addon,
  'openInjector' | 'setResetTargets' | 'injectorState' | 'closeInjector'
>;

export function injectorCalls(): InjectorCalls {
  return addon();
}

function checkOptions(options: NativeOptions): void {
  const { live } = options;
  checkSources(options.sources, live === null ? 'capture file' : 'interface');
  if (live !== null) {
    requireInteger('ringBytes', live.ringBytes, 4 << 20, 2 ** 36);
    requireInteger('flushMs', live.flushMs, 1, 1000);
    requireInteger('evidenceBytes', live.evidenceBytes, 0, 2 ** 36);
    if (live.filter.includes('\0')) throw usage('The filter holds a zero byte.');
  }
  for (const prefix of options.homeNet) {
    if (!isPrefix(prefix)) {
      throw usage(`'${prefix}' is not an address prefix such as 10.0.0.0/8 or fc00::/7.`);
    }
  }
  requireInteger('lanes', options.lanes, 1, MOST_LANES);
  requireInteger('shards', options.shards, 1, MOST_SHARDS);
  for (const cpu of options.pinned) requireInteger('pinned', cpu, 0, MOST_CPU);
  requireKey('key of identities', options.identityKey);
  if (options.hashKey !== null) requireKey('hash key', options.hashKey);
  for (const kind of [...options.eventsOfEnds, ...options.eventsOfLinks]) {
    requireInteger('kind of event', kind, 0, 65_535);
  }
  requireInteger('maxFlows', options.maxFlows, 1024, 1 << 26);
  requireInteger('queueBytes', options.queueBytes, 1 << 20, 1 << 30);
  requireInteger('memoryBytes', options.memoryBytes, 0, 2 ** 46);
}

function checkSources(sources: readonly string[], what: string): void {
  if (!Array.isArray(sources) || sources.length === 0) {
    throw usage(`At least one ${what} is needed.`);
  }
  for (const source of sources) {
    if (typeof source !== 'string' || source.length === 0 || source.includes('\0')) {
      throw usage(`The name of a ${what} must be a text that is not empty.`);
    }
  }
}

function requireKey(what: string, key: Uint8Array): void {
  if (!(key instanceof Uint8Array) || key.length !== 16) {
    throw usage(`The ${what} must have 16 bytes.`);
  }
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw usage(`'${name}' must be a whole number from ${least} to ${most}, not ${value}.`);
  }
}

const usage = (message: string): ThymusError => new ThymusError('USAGE', message);
