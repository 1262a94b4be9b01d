import assert from 'node:assert/strict';
import { AUTONOMY_MODES, type ActionState } from '../../../src/domain/action.js';
import type { ActionRecord } from '../../../src/domain/action_record.js';
import { ThymusError } from '../../../src/errors.js';
import { checkDecisions } from '../../../src/store/decision_check.js';
import { checkingKey } from '../../../src/store/log_key.js';
import { Desk, settled } from './support/desk.js';
import { blockOf, NO_IMPACT, proposalOf } from './support/proposals.js';

/** THYMUS_WORLDS=25 for more of them. */
const WORLDS = Number(process.env['THYMUS_WORLDS'] ?? 6);
const STEPS = 60;
const MOST_TTL_MS = 20_000;
/** After trouble has ended, undoing has come round again by then. */
const CALM_MS = 30_000;

/** What may follow upon what. */
const NEXT: Readonly<Record<ActionState, readonly ActionState[]>> = {
  pending: ['rejected', 'applying', 'active', 'failed'],
  applying: ['active', 'undoing', 'failed'],
  active: ['undoing'],
  undoing: ['expired', 'rolled_back', 'failed'],
  rejected: [],
  failed: [],
  expired: [],
  rolled_back: [],
};

/** Small, and the same on every run. */
class Chance {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed * 2_654_435_761 + 1;
  }

  next(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }
}

/** One desk, and all that can happen to it. */
class World {
  readonly desk: Desk;
  readonly #chance: Chance;
  readonly #states = new Map<string, ActionState>();
  #isTrouble = false;
  #proposals = 0;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.desk = new Desk({
      expiresByItself: this.#chance.next() < 0.5,
      fault: () => (this.#isTrouble && this.#chance.next() < 0.6 ? this.#fault() : null),
    });
  }

  async step(): Promise<void> {
    const { desk } = this;
    const steps: (() => unknown)[] = [
      () => this.#propose(),
      () => this.#propose(),
      () => desk.pass(this.#chance.below(3000)),
      () => desk.pass(100),
      () => desk.responder.vote(this.#any(), this.#chance.of(['ann', 'bob', 'cleo']), 'approve'),
      () => desk.responder.vote(this.#any(), 'dora', 'reject'),
      () => desk.responder.rollBack(this.#any(), 'ann', ''),
      () =>
        desk.responder.renew(
          `1.${this.#chance.below(20)}`,
          this.#chance.below(20),
          1e15 + this.#proposals,
        ),
      () =>
        desk.responder.allow(this.#chance.next() < 0.5 ? [] : ['203.0.113.4', '203.0.113.8/30']),
      () => desk.responder.setMode(this.#chance.of(AUTONOMY_MODES)),
      () => (this.#isTrouble = !this.#isTrouble),
      () => (this.#chance.next() < 0.2 ? desk.responder.panic('ann') : undefined),
      () => desk.responder.lift('ann'),
      () => desk.restart(),
      () => desk.clock.set({ wallMs: 1.5e12 + this.#chance.next() * 1e12 }),
    ];
    try {
      await this.#chance.of(steps)();
    } catch (error) {
      if (!(error instanceof ThymusError)) throw error;
    }
  }

  /** Everything that is open ends by itself. */
  async calm(): Promise<void> {
    this.#isTrouble = false;
    await this.desk.pass(3 * MOST_TTL_MS + CALM_MS);
    await settled();
  }

  check(): void {
    const now = this.desk.clock.now();
    const { enforced } = this.desk.actuator;
    const known = new Set<string>();
    for (const { record } of this.desk.responder.actions) {
      known.add(record.id);
      this.#checkStep(record);
      const { state, expires } = record;
      if (expires !== null && (state === 'active' || state === 'applying')) {
        assert.ok(expires.bootMs - now.bootMs > -200, `${record.id} is ${state} and overdue`);
      }
      if (['expired', 'rolled_back', 'failed', 'rejected', 'pending'].includes(state)) {
        assert.ok(!enforced.includes(record.id), `${record.id} is ${state} and enforced`);
      }
    }
    for (const id of enforced) assert.ok(known.has(id), `nobody knows ${id}`);
  }

  #checkStep({ id, state }: ActionRecord): void {
    const before = this.#states.get(id);
    this.#states.set(id, state);
    if (before === undefined || before === state) return;
    // Several steps may lie between two looks.
    const reachable = new Set<ActionState>();
    const open = [before];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      for (const next of NEXT[one]) {
        if (reachable.has(next)) continue;
        reachable.add(next);
        open.push(next);
      }
    }
    assert.ok(reachable.has(state), `${id} went from ${before} to ${state}`);
  }

  #propose(): void {
    const chance = this.#chance;
    const number = ++this.#proposals;
    const measure = blockOf(`203.0.113.${number % 12}`);
    this.desk.responder.propose(
      proposalOf(`1.${number}`, {
        chosen: { measure, impact: NO_IMPACT, expectedLoss: 0 },
        unattended: chance.next() < 0.7,
        approvalsNeeded: 1 + chance.below(3),
        deadlineSeconds: 1 + chance.below(20),
        onDeadline: chance.of(['approve', 'reject']),
        ttlSeconds: 1 + chance.below(MOST_TTL_MS / 1000),
        decidedUs: number,
      }),
    );
  }

  #any(): string {
    const ids = [...this.desk.responder.actions].map(({ record }) => record.id);
    return ids.length === 0 ? 'none' : this.#chance.of(ids);
  }

  #fault(): { ok: false; reason: string; retry: boolean } {
    return { ok: false, reason: 'It does not work.', retry: this.#chance.next() < 0.7 };
  }
}

describe('life of actions, whatever happens in whatever order', () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    it(`world ${seed}`, async () => {
      const world = new World(seed);
      const { desk } = world;
      await desk.start();
      try {
        for (let i = 0; i < STEPS; i++) {
          await world.step();
          await settled();
          world.check();
        }
        await world.calm();
        world.check();
        assert.deepEqual(desk.actuator.enforced, []);
        for (const { record } of desk.responder.actions) {
          assert.ok(NEXT[record.state].length === 0, `${record.id} is still ${record.state}`);
        }
        await desk.responder.stop();
        const key = checkingKey(desk.files.publicKey);
        assert.equal((await checkDecisions(desk.files, key)).fault, null);
      } finally {
        desk.remove();
      }
    });
  }
});
