import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionState } from '../../../src/domain/action.js';
import type { EffectFigures } from '../../../src/domain/response_port.js';
import { checkDecisions } from '../../../src/store/decision_check.js';
import { checkingKey } from '../../../src/store/log_key.js';
import { Desk, settled } from './support/desk.js';
import { FileActuator } from './support/file_actuator.js';
import { blockOf, NO_IMPACT, proposalOf } from './support/proposals.js';

const RETRY = { ok: false, reason: 'The gateway does not answer: see its cable.', retry: true };
const NEVER = { ok: false, reason: 'nft is missing: install nftables.', retry: false };

describe('Responder', () => {
  let desk: Desk;

  afterEach(() => desk.remove());

  const stateOf = (id: string): ActionState => desk.record(id).state;

  async function applied(more: Parameters<typeof proposalOf>[1] = {}): Promise<string> {
    const { id } = desk.responder.propose(proposalOf('1.1', more));
    await settled();
    return id;
  }

  describe('applies', () => {
    it('at once where nobody has to be asked, and lets go when the time is over', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 10 });
      assert.equal(stateOf(id), 'active');
      assert.deepEqual(desk.actuator.enforced, [id]);
      await desk.pass(9900);
      assert.equal(stateOf(id), 'active');
      await desk.pass(200);
      assert.equal(stateOf(id), 'expired');
      assert.deepEqual(desk.actuator.enforced, []);
    });

    it('one proposal once, however often it is said', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      assert.equal(await applied(), id);
      assert.equal(desk.actuator.calls.length, 1);
    });

    it('at once what people are asked for, when every gate is passed by now', async () => {
      desk = await Desk.open('auto');
      const asked = desk.responder.propose(proposalOf('1.1', { unattended: false })).id;
      const other = desk.responder.propose(
        proposalOf('2.1', { unattended: false, incident: 'run/2' }),
      ).id;
      await settled();
      const id = desk.responder.propose(proposalOf('1.2')).id;
      await settled();
      assert.equal(stateOf(id), 'active');
      assert.equal(stateOf(asked), 'expired');
      assert.equal(stateOf(other), 'pending');
      assert.deepEqual(desk.actuator.enforced, [id]);
    });

    it('nothing in observe, and asks in recommend', async () => {
      desk = await Desk.open('observe');
      const first = await applied();
      assert.equal(stateOf(first), 'rejected');
      desk.responder.setMode('recommend');
      const { id } = desk.responder.propose(proposalOf('1.2'));
      await settled();
      assert.equal(stateOf(id), 'pending');
      assert.deepEqual(desk.actuator.enforced, []);
    });

    it('what changes no traffic without an actuator, and says what is missing else', async () => {
      desk = await Desk.open('auto');
      const observe = { kind: 'observe', host: '10.0.0.5' } as const;
      const id = await applied({
        chosen: { measure: observe, impact: NO_IMPACT, expectedLoss: 0 },
      });
      assert.equal(stateOf(id), 'active');
      desk.remove();
      desk = new Desk();
      desk.actuator.handles = () => false;
      await desk.start();
      desk.responder.setMode('auto');
      const other = await applied();
      assert.equal(stateOf(other), 'failed');
      assert.match(desk.record(other).reason, /^No actuator can block an outside address: conf/);
    });

    it('not before the intent and its inverse are on disk', async () => {
      desk = new Desk({
        fault: (call, { id }) => {
          if (call === 'apply') {
            const journal = readFileSync(desk.files.journal, 'utf8');
            assert.match(journal, new RegExp(`"action/${id}",{[^}]*"state":"applying"`));
            const holder = '"actuator":"file","state":"applying"';
            assert.ok(journal.includes(holder));
            assert.match(readFileSync(desk.files.log, 'utf8'), /"state":"applying"/);
          }
          return null;
        },
      });
      await desk.start();
      desk.responder.setMode('auto');
      assert.equal(stateOf(await applied()), 'active');
    });
  });

  describe('asks people', () => {
    const ASKED = { unattended: false, approvalsNeeded: 2, deadlineSeconds: 60 };

    it('applies when enough of them agree, each counted once', async () => {
      desk = await Desk.open('guarded');
      const id = await applied(ASKED);
      desk.responder.vote(id.slice(0, 5), 'ann', 'approve');
      await settled();
      assert.equal(stateOf(id), 'pending');
      assert.throws(() => desk.responder.vote(id, 'Ann', 'approve'), /somebody else has to/);
      desk.responder.vote('1.1', 'bob', 'approve');
      await settled();
      assert.equal(stateOf(id), 'active');
      assert.equal(desk.record(id).reason, 'ann and bob approved it.');
    });

    it('drops it when one rejects it', async () => {
      desk = await Desk.open('guarded');
      const id = await applied(ASKED);
      desk.responder.vote(id, 'ann', 'approve');
      desk.responder.vote(id, 'bob', 'reject');
      await settled();
      assert.equal(stateOf(id), 'rejected');
      assert.throws(() => desk.responder.vote(id, 'cleo', 'approve'), /nobody is asked about it/);
    });

    for (const [answer, state] of [
      ['reject', 'rejected'],
      ['approve', 'active'],
    ] as const) {
      it(`takes the default at the deadline: ${answer}`, async () => {
        desk = await Desk.open('guarded');
        const id = await applied({ ...ASKED, onDeadline: answer });
        await desk.pass(59_900);
        assert.equal(stateOf(id), 'pending');
        await desk.pass(200);
        assert.equal(stateOf(id), state);
      });
    }

    it('knows no other numbers and no names that are none', async () => {
      desk = await Desk.open('guarded');
      const id = await applied(ASKED);
      assert.throws(
        () => desk.responder.vote('ffff', 'ann', 'approve'),
        /No action has the number/,
      );
      assert.throws(() => desk.responder.vote('', 'ann', 'approve'), /No action has the number/);
      assert.throws(() => desk.responder.vote(id, '', 'approve'), /is no name/);
      assert.throws(() => desk.responder.vote(id, 'a\nb', 'approve'), /is no name/);
    });
  });

  describe('when an actuator fails', () => {
    it('tries again, and says meanwhile what is wrong', async () => {
      let failures = 3;
      desk = await Desk.open('auto', { fault: () => (failures-- > 0 ? RETRY : null) });
      const id = await applied();
      assert.equal(stateOf(id), 'applying');
      assert.equal(desk.record(id).holders[0]!.reason, RETRY.reason);
      await desk.pass(2000);
      assert.equal(stateOf(id), 'active');
      assert.equal(desk.record(id).holders[0]!.reason, '');
    });

    it('tries again to let go while it ends', async () => {
      let failures = 2;
      const fault = (call: string): typeof RETRY | null =>
        call === 'undo' && failures-- > 0 ? RETRY : null;
      desk = await Desk.open('auto', { fault });
      const id = await applied();
      const stopped = desk.responder.stop();
      while (stateOf(id) === 'undoing') {
        await settled();
        desk.clock.pass(500);
      }
      await stopped;
      assert.equal(stateOf(id), 'rolled_back');
      assert.deepEqual(desk.actuator.enforced, []);
    });

    it('gives up at once where it will not get better, and undoes what may be there', async () => {
      desk = await Desk.open('auto', { fault: (call) => (call === 'apply' ? NEVER : null) });
      const id = await applied();
      assert.equal(stateOf(id), 'failed');
      assert.equal(desk.record(id).reason, NEVER.reason);
      assert.deepEqual(desk.actuator.calls, [`apply ${id}`, `undo ${id}`]);
    });

    it('gives up at the deadline', async () => {
      desk = await Desk.open('auto', { fault: (call) => (call === 'apply' ? RETRY : null) });
      const id = await applied();
      await desk.pass(29_000);
      assert.equal(stateOf(id), 'applying');
      await desk.pass(8000);
      assert.equal(stateOf(id), 'failed');
    });

    it('goes on trying where another one enforces it, until it ends', async () => {
      let isAway = true;
      const folder = mkdtempSync(join(tmpdir(), 'thymus-second-'));
      const fault = (call: string) => (call === 'apply' && isAway ? RETRY : null);
      const second = new FileActuator(folder, { name: 'second', fault });
      desk = new Desk({}, [second]);
      await desk.start();
      desk.responder.setMode('auto');
      const id = await applied({ ttlSeconds: 120 });
      await desk.pass(60_000);
      assert.equal(stateOf(id), 'active');
      const [first, other] = desk.record(id).holders;
      assert.deepEqual([first!.state, other!.state], ['applied', 'applying']);
      assert.equal(other!.reason, RETRY.reason);
      isAway = false;
      await desk.pass(5100);
      assert.equal(desk.record(id).holders[1]!.state, 'applied');
      assert.deepEqual(second.enforced, [id]);
      await desk.pass(60_000);
      assert.equal(stateOf(id), 'expired');
      assert.deepEqual(second.enforced, []);
      rmSync(folder, { recursive: true });
    });

    it('looks whether what was taken is enforced, and says when it is not', async () => {
      desk = await Desk.open('auto');
      desk.actuator.verify = () => Promise.resolve(false);
      const id = await applied();
      assert.deepEqual(desk.actuator.calls, [`apply ${id}`, `apply ${id}`]);
      assert.match(desk.record(id).holders[0]!.reason, /^file took the order, but does not enf/);
    });

    it('never gives up undoing', async () => {
      let isBroken = true;
      desk = await Desk.open('auto', {
        fault: (call) => (call === 'undo' && isBroken ? NEVER : null),
      });
      const id = await applied({ ttlSeconds: 1 });
      await desk.pass(120_000);
      assert.equal(stateOf(id), 'undoing');
      assert.deepEqual(desk.actuator.enforced, [id]);
      isBroken = false;
      await desk.pass(5100);
      assert.equal(stateOf(id), 'expired');
      assert.deepEqual(desk.actuator.enforced, []);
    });
  });

  describe('time', () => {
    it('is renewed by new evidence only, and by at most four hours', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 10 });
      const { evidenceUs } = desk.record(id);
      assert.throws(() => desk.responder.renew('1.1', 20, evidenceUs), /Only new evidence/);
      desk.responder.renew('1.1', 20, evidenceUs + 1);
      await desk.pass(15_000);
      assert.equal(stateOf(id), 'active');
      desk.responder.renew('1.1', 1e9, evidenceUs + 2);
      assert.equal(desk.record(id).expires!.spanMs, 4 * 3_600_000);
      desk.clock.pass(4 * 3_600_000);
      await desk.pass(100);
      assert.equal(stateOf(id), 'expired');
      assert.throws(() => desk.responder.renew('1.1', 20, evidenceUs + 3), /cannot be renewed/);
    });

    it('does not follow a wall clock that is set', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 10 });
      desk.clock.set({ wallMs: 1.0e12 });
      await desk.pass(10_100);
      assert.equal(stateOf(id), 'expired');
    });

    it('is over after a sleep of the machine', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 600 });
      desk.clock.pass(3_600_000);
      desk.responder.tick();
      await settled();
      assert.equal(stateOf(id), 'expired');
    });

    it('runs on while the machine is down, and at most once more when its clock was set back', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 600 });
      desk.clock.set({ bootId: 'b', bootMs: 5000, wallMs: desk.clock.now().wallMs + 601_000 });
      await desk.restart();
      await desk.pass(100);
      assert.equal(stateOf(id), 'expired');
      desk.responder.setMode('auto');
      const other = desk.responder.propose(proposalOf('1.2', { ttlSeconds: 600 })).id;
      await settled();
      desk.clock.set({ bootId: 'c', bootMs: 5000, wallMs: 1.0e12 });
      await desk.restart();
      await desk.pass(599_000);
      assert.equal(stateOf(other), 'active');
      desk.clock.set({ bootId: 'd', bootMs: 5000, wallMs: 1.9e12 });
      await desk.restart();
      await settled();
      assert.equal(stateOf(other), 'expired');
    });
  });

  describe('people and lists take back', () => {
    it('one action', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      desk.responder.rollBack(id, 'ann', 'it is our scanner');
      await settled();
      assert.equal(stateOf(id), 'rolled_back');
      assert.equal(desk.record(id).reason, 'ann rolled it back: it is our scanner.');
      assert.deepEqual(desk.actuator.enforced, []);
      assert.throws(() => desk.responder.rollBack(id, 'ann', ''), /is rolled_back already/);
    });

    it('what is always allowed, at once and from then on', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      const asked = desk.responder.propose(proposalOf('1.2', { unattended: false })).id;
      desk.responder.allow(['203.0.113.0/24', 'example.org']);
      await settled();
      assert.deepEqual([stateOf(id), stateOf(asked)], ['rolled_back', 'rejected']);
      assert.deepEqual(desk.actuator.enforced, []);
      const later = desk.responder.propose(proposalOf('1.3')).id;
      assert.equal(stateOf(later), 'rejected');
      const name = { kind: 'sinkhole', domain: 'www.example.org' } as const;
      const chosen = { measure: name, impact: NO_IMPACT, expectedLoss: 0 };
      assert.equal(desk.responder.propose(proposalOf('1.4', { chosen })).state, 'rejected');
      assert.throws(() => desk.responder.allow(['not an address']), /is no address/);
      await desk.restart();
      assert.deepEqual(desk.responder.desk.allow, ['203.0.113.0/24', 'example.org']);
    });

    it('everything in a panic, until it is lifted', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      const asked = desk.responder.propose(proposalOf('1.2', { unattended: false })).id;
      writeFileSync(join(desk.folder, 'enforced', 'stranger'), '');
      assert.deepEqual(await desk.responder.panic('ann'), []);
      assert.deepEqual([stateOf(id), stateOf(asked)], ['rolled_back', 'rejected']);
      assert.deepEqual(desk.actuator.enforced, []);
      await desk.restart();
      assert.equal(desk.responder.desk.halt?.by, 'ann');
      assert.equal(desk.responder.propose(proposalOf('1.3')).state, 'rejected');
      desk.responder.lift('ann');
      const later = desk.responder.propose(proposalOf('1.4')).id;
      await settled();
      assert.equal(stateOf(later), 'active');
    });
  });

  describe('takes back what', () => {
    const FIGURES: EffectFigures = {
      proposal: '1.1',
      fromUs: 0,
      untilUs: 10e6,
      evidence: 20,
      normalFlows: 1000,
      normalAnswered: 980,
      usualAnsweredShare: 0.98,
    };
    const later = (more: Partial<EffectFigures>): EffectFigures => ({
      ...FIGURES,
      fromUs: 60e6,
      untilUs: 70e6,
      ...more,
    });

    it('harms normal traffic by more than five points', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      desk.responder.report({ ...FIGURES, normalAnswered: 925 });
      assert.equal(stateOf(id), 'active');
      desk.responder.report({ ...FIGURES, normalAnswered: 900 });
      await settled();
      assert.equal(stateOf(id), 'rolled_back');
      assert.match(desk.record(id).reason, /^Normal traffic suffers: 90.0 % of its 1000 flows/);
    });

    it('does not help within a minute', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      desk.responder.report(FIGURES);
      desk.responder.report(later({ evidence: 5 }));
      assert.equal(stateOf(id), 'active');
      desk.responder.report(later({ evidence: 25 }));
      await settled();
      assert.match(desk.record(id).reason, /^It does not help: the attack goes on at 150 a minute/);
    });

    it('but not for a few failures that chance explains', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      desk.responder.report({ ...FIGURES, normalFlows: 10, normalAnswered: 9 });
      assert.equal(stateOf(id), 'active');
    });
  });

  describe('after a crash', () => {
    it('goes on with what is in force', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 10 });
      await desk.pass(4000);
      await desk.restart();
      assert.equal(stateOf(id), 'active');
      assert.deepEqual(desk.responder.desk.differences, []);
      await desk.pass(5800);
      assert.equal(stateOf(id), 'active');
      await desk.pass(400);
      assert.equal(stateOf(id), 'expired');
    });

    it('withdraws what nobody knows, and applies again what got lost', async () => {
      desk = await Desk.open('auto');
      const id = await applied();
      const other = desk.responder.propose(proposalOf('1.2', { decidedUs: 5 })).id;
      await settled();
      desk.responder.rollBack(other, 'ann', '');
      await settled();
      writeFileSync(join(desk.folder, 'enforced', other), '');
      await desk.restart();
      assert.deepEqual(desk.actuator.enforced, [id]);
      assert.match(desk.responder.desk.differences[0]!, /^file enforced 1 that should be gone/);
      writeFileSync(join(desk.folder, 'enforced', 'stranger'), '');
      await desk.restart();
      assert.deepEqual(desk.actuator.enforced, [id]);
      await desk.actuator.panic();
      await desk.restart();
      assert.deepEqual(desk.actuator.enforced, [id]);
      assert.match(desk.responder.desk.differences[0]!, /^file did not enforce 1 that it should/);
    });

    it('remembers what the last hour has cost', async () => {
      desk = await Desk.open('auto');
      const id = await applied({ ttlSeconds: 10 });
      await desk.pass(11_000);
      assert.equal(stateOf(id), 'expired');
      await desk.restart();
      const { ledger } = desk.responder.desk;
      assert.deepEqual(ledger, { fleetShare: 0.0001, devices: ['203.0.113.7'] });
      desk.clock.pass(3_600_001);
      await desk.pass(100);
      assert.deepEqual(desk.responder.desk.ledger, { fleetShare: 0, devices: [] });
      assert.equal([...desk.responder.actions].length, 0);
    });
  });

  it('writes a log that verifies', async () => {
    desk = await Desk.open('auto');
    await applied({ ttlSeconds: 1 });
    desk.responder.propose(proposalOf('2.1', { chosen: otherChoice() }));
    await desk.pass(1100);
    await desk.responder.stop();
    const kinds: string[] = [];
    const key = checkingKey(desk.files.publicKey);
    const { fault } = await checkDecisions(desk.files, key, ({ kind }) => kinds.push(kind));
    assert.equal(fault, null);
    assert.deepEqual([...new Set(kinds)], ['start', 'mode', 'proposal', 'state', 'stop']);
  });
});

const otherChoice = (): ReturnType<typeof proposalOf>['chosen'] => ({
  measure: blockOf('203.0.113.8'),
  impact: NO_IMPACT,
  expectedLoss: 0,
});
