import { fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { AutonomyMode } from '../../../../src/domain/action.js';
import type { ActionRecord } from '../../../../src/domain/action_record.js';
import type { Moment } from '../../../../src/domain/moment.js';
import type { Actuator } from '../../../../src/response/actuators/actuator.js';
import type { Clock } from '../../../../src/response/clock.js';
import { Responder } from '../../../../src/response/responder.js';
import { ActionJournal } from '../../../../src/store/action_journal.js';
import { DecisionLog } from '../../../../src/store/decision_log.js';
import { makePrivateDirectory } from '../../../../src/store/durable.js';
import { signingKey } from '../../../../src/store/log_key.js';
import { responseFiles, type ResponseFiles } from '../../../../src/store/response_files.js';
import { FileActuator, type FileActuatorOptions } from './file_actuator.js';

/** A clock that stands still until it is told. */
export class SetClock implements Clock {
  #now: Moment = { wallMs: 1.79e12, bootMs: 1e6, bootId: 'a' };

  now(): Moment {
    return this.#now;
  }

  pass(ms: number): void {
    const { wallMs, bootMs, bootId } = this.#now;
    this.#now = { wallMs: wallMs + ms, bootMs: bootMs + ms, bootId };
  }

  set(change: Partial<Moment>): void {
    this.#now = { ...this.#now, ...change };
  }
}

/** A responder over a folder of its own, which can die and be started again. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), 'thymus-desk-'));
  readonly files: ResponseFiles = responseFiles(this.folder);
  readonly clock = new SetClock();
  readonly actuator: FileActuator;
  readonly #others: readonly Actuator[];
  responder!: Responder;
  #close: () => void = () => undefined;

  constructor(options: FileActuatorOptions = {}, others: readonly Actuator[] = []) {
    makePrivateDirectory(this.files.directory);
    this.actuator = new FileActuator(join(this.folder, 'enforced'), options);
    this.#others = others;
  }

  static async open(mode: AutonomyMode, options: FileActuatorOptions = {}): Promise<Desk> {
    const desk = new Desk(options);
    await desk.start();
    desk.responder.setMode(mode);
    return desk;
  }

  async start(): Promise<void> {
    const journal = ActionJournal.open(this.files.journal);
    const log = DecisionLog.open(this.files, signingKey(this.files));
    this.#close = () => {
      journal.close();
      log.close();
    };
    this.responder = new Responder({
      journal,
      log,
      clock: this.clock,
      actuators: [this.actuator, ...this.#others],
    });
    await this.responder.start();
  }

  /** As a crash: what is not on disk is lost. */
  async restart(): Promise<void> {
    await settled();
    this.#close();
    await this.start();
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.pass(Math.min(left, 100));
      this.responder.tick();
      await turn();
    }
    await settled();
  }

  record(id: string): ActionRecord {
    return [...this.responder.actions].find(({ record }) => record.id === id)!.record;
  }

  remove(): void {
    this.#close();
    rmSync(this.folder, { recursive: true });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Settles when files are synced and actuators have answered, as far as the disk's pace tells. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.all([sleep(4), synced()]);
}

/** A sync of our own takes as long as that of a journal does at this moment. */
async function synced(): Promise<void> {
  writeSync(SCRATCH, 'x', 0);
  await promisify(fdatasync)(SCRATCH);
}

const SCRATCH = openScratch();

function openScratch(): number {
  const path = join(mkdtempSync(join(tmpdir(), 'thymus-settled-')), 'scratch');
  const fd = openSync(path, 'w');
  rmSync(dirname(path), { recursive: true });
  return fd;
}
