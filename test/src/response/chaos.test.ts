import assert from 'node:assert/strict';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ActionRecord } from '../../../src/domain/action_record.js';
import { ActionJournal } from '../../../src/store/action_journal.js';
import { checkDecisions } from '../../../src/store/decision_check.js';
import { checkingKey } from '../../../src/store/log_key.js';
import { lockOwner } from '../../../src/store/process_lock.js';
import { responseFiles, type ResponseFiles } from '../../../src/store/response_files.js';

const ENGINE = fileURLToPath(new URL('support/engine_double.js', import.meta.url));
/** kill -9 of one or both; THYMUS_CHAOS=300 for the whole measure. */
const KILLS = Number(process.env['THYMUS_CHAOS'] ?? 12);
const LATE_MS = 1000;
/** An overloaded machine is given what starting empty processes takes it longer than an idle one. */
const STARTS = 3;
const IDLE_START_MS = 60;
const LOOK_EVERY_MS = 20;
const ROUND_MS = 900;
const ENDED = ['expired', 'failed', 'rolled_back', 'rejected'];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Other work on the machine should not be what is measured; needs root. */
function preferred({ pid }: ChildProcess): void {
  try {
    setPriority(pid!, -15);
  } catch {
    // Then it is measured, too.
  }
}

async function bareStartMs(): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  preferred(child);
  await once(child, 'exit');
  return performance.now() - startMs;
}

/** The same places on every run. */
function* chances(): Generator<number, never> {
  for (let seed = 12_345; ; seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) yield seed / 2 ** 31;
}

/** Looks at what is enforced, and how much longer than it may. */
class Watcher {
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;
  readonly #isAlive: () => boolean;
  /** Since when an engine or a responder runs; null: neither does. */
  #aliveSinceMs: number | null = null;
  latestMs = 0;

  constructor(folder: string, isAlive: () => boolean) {
    this.#folder = folder;
    this.#isAlive = isAlive;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get enforced(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch {
      return [];
    }
  }

  #look(): void {
    const now = Date.now();
    if (this.#isAlive()) this.#aliveSinceMs ??= now;
    else this.#aliveSinceMs = null;
    if (this.#aliveSinceMs === null) return;
    for (const id of this.enforced) {
      try {
        const path = join(this.#folder, id);
        const dueMs = statSync(path).mtimeMs + Number(readFileSync(path, 'utf8'));
        this.latestMs = Math.max(this.latestMs, now - Math.max(dueMs, this.#aliveSinceMs));
      } catch {
        // It was taken away just now.
      }
    }
  }
}

describe(`a responder that is killed ${KILLS} times`, function () {
  this.timeout(60_000 + KILLS * 5000);
  let folder: string;
  let files: ResponseFiles;
  let watcher: Watcher;
  let engine: ChildProcess | null = null;
  let isEngineUp = false;
  let nEngines = 0;
  let slowestStartMs = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-chaos-'));
    files = responseFiles(folder);
    watcher = new Watcher(
      join(folder, 'enforced'),
      () => isEngineUp || lockOwner(files.lock) !== null,
    );
  });

  after(async () => {
    watcher.stop();
    await killEngine();
    killResponder();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startEngine(): Promise<void> {
    engine = fork(ENGINE, [folder, `run${++nEngines}`], { stdio: 'ignore' });
    preferred(engine);
    await once(engine, 'message');
    isEngineUp = true;
  }

  async function killEngine(): Promise<void> {
    if (engine === null) return;
    isEngineUp = false;
    const gone = once(engine, 'exit');
    engine.kill('SIGKILL');
    engine = null;
    await gone;
  }

  function killResponder(): void {
    const owner = lockOwner(files.lock);
    if (owner !== null) process.kill(owner.pid, 'SIGKILL');
  }

  it('lets nothing stay longer than it may, loses nothing, and keeps a log that verifies', async () => {
    const chance = chances();
    const next = (): number => chance.next().value;
    for (let kill = 0; kill < KILLS; kill++) {
      if (engine === null) await startEngine();
      await sleep(next() * ROUND_MS);
      const which = kill % 3;
      if (which !== 0) await killEngine();
      if (which !== 1) killResponder();
      if (which === 2) await sleep(next() * ROUND_MS);
      if (kill % 4 === 0) slowestStartMs = Math.max(slowestStartMs, await bareStartMs());
    }
    if (engine === null) await startEngine();
    while (lockOwner(files.lock) === null) await sleep(LOOK_EVERY_MS);
    await sleep(500);
    await killEngine();
    for (let waited = 0; waited < 15_000 && watcher.enforced.length > 0; waited += 50)
      await sleep(50);
    await sleep(300);
    killResponder();
    const mostMs = LATE_MS + STARTS * Math.max(slowestStartMs - IDLE_START_MS, 0);
    console.log(`      at most ${watcher.latestMs.toFixed()} ms late, of ${mostMs.toFixed()} ms`);
    assert.deepEqual(watcher.enforced, []);
    assert.ok(watcher.latestMs <= mostMs, `${watcher.latestMs} ms late`);

    const told = new Map<string, string>();
    const { fault } = await checkDecisions(
      files,
      checkingKey(files.publicKey),
      ({ kind, action, data }) => {
        if (kind === 'proposal') told.set(action!, 'pending');
        if (kind === 'state') told.set(action!, (data as { state: string }).state);
      },
    );
    assert.equal(fault, null);
    const kept = ActionJournal.read(files.journal);
    const acknowledged = readFileSync(join(folder, 'acknowledged'), 'utf8').trimEnd().split('\n');
    assert.ok(acknowledged.length >= KILLS);
    for (const id of acknowledged) {
      const record = kept.get(`action/${id}`) as unknown as ActionRecord | undefined;
      assert.ok(record !== undefined, `${id} is lost`);
      assert.ok(ENDED.includes(record.state), `${id} is ${record.state}`);
      assert.equal(told.get(id), record.state, id);
    }
    console.log(`      ${acknowledged.length} actions, ${told.size} told of`);
  });
});
