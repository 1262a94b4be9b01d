import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AllowList } from '../../../src/domain/measure.js';
import type { Order } from '../../../src/response/actuators/actuator.js';
import { LeaseKeeper } from '../../../src/response/lease_keeper.js';
import { eachFolder } from './support.js';
import { SetClock } from './support/desk.js';
import { FileActuator, type FileActuatorOptions } from './support/file_actuator.js';

const order = (id: string, ttlMs = 60_000, address = '203.0.113.7'): Order => ({
  id,
  measure: { kind: 'block_external', address },
  ttlMs,
});

describe('LeaseKeeper', () => {
  const folder = eachFolder();
  let clock: SetClock;
  let actuator: FileActuator;

  function keeperOf(options: FileActuatorOptions = {}, never: readonly string[] = []): LeaseKeeper {
    clock = new SetClock();
    actuator = new FileActuator(join(folder(), 'enforced'), options);
    return new LeaseKeeper({ actuator, clock, never: new AllowList(never) });
  }

  it('ends a lease when its time is over, and not before', async () => {
    const keeper = keeperOf();
    await keeper.apply([order('a1', 1000), order('a2', 2000)]);
    clock.pass(999);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, ['a1', 'a2']);
    clock.pass(1);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, ['a2']);
    assert.equal(keeper.size, 1);
  });

  it('counts the time of sleep, and none of a wall clock that is set', async () => {
    const keeper = keeperOf();
    await keeper.apply([order('a1', 1000)]);
    clock.set({ wallMs: clock.now().wallMs + 1e9 });
    await keeper.tick();
    assert.deepEqual(actuator.enforced, ['a1']);
    clock.set({ bootMs: clock.now().bootMs + 1000 });
    await keeper.tick();
    assert.deepEqual(actuator.enforced, []);
  });

  it('gives a lease that is renewed its new time, also while the old one ends', async () => {
    const keeper = keeperOf();
    await keeper.apply([order('a1', 1000)]);
    clock.pass(1000);
    const renewed = keeper.apply([order('a1', 5000)]);
    await keeper.tick();
    await renewed;
    assert.deepEqual(actuator.enforced, ['a1']);
    clock.pass(4999);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, ['a1']);
  });

  it('enforces nothing for longer than four hours', async () => {
    const keeper = keeperOf();
    await keeper.apply([order('a1', 1e9)]);
    clock.pass(4 * 3_600_000);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, []);
  });

  it('tries again where letting go fails', async () => {
    let isFaulty = true;
    const fault = (call: string) =>
      call === 'undo' && isFaulty ? ({ ok: false, reason: 'busy', retry: true } as const) : null;
    const keeper = keeperOf({ fault });
    await keeper.apply([order('a1', 1000)]);
    clock.pass(1000);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, ['a1']);
    isFaulty = false;
    clock.pass(5000);
    await keeper.tick();
    assert.deepEqual(actuator.enforced, []);
  });

  it('refuses what it was told never to touch, what it does not know, what is over', async () => {
    const keeper = keeperOf({}, ['192.0.2.0/28']);
    const unknown: Order = { ...order('a2'), measure: { kind: 'observe', host: '10.0.0.1' } };
    const orders = [order('a1', 1000, '192.0.2.9'), unknown, order('a3', 0), order('a4')];
    const outcomes = await keeper.apply(orders);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? 'done' : outcome.reason.split(' ').at(-1))),
      ['about.', "'observe'.", 'begins.', 'done'],
    );
    assert.deepEqual(actuator.enforced, ['a4']);
    assert.equal(keeper.size, 1);
  });

  it('keeps no lease of what was not applied, and the one of before', async () => {
    let isFaulty = true;
    const fault = (call: string) =>
      call === 'apply' && isFaulty ? ({ ok: false, reason: 'full', retry: true } as const) : null;
    const keeper = keeperOf({ fault });
    await keeper.apply([order('a1')]);
    assert.equal(keeper.size, 0);
    isFaulty = false;
    await keeper.apply([order('a1', 1000)]);
    isFaulty = true;
    await keeper.apply([order('a1', 2000)]);
    assert.equal(keeper.size, 1);
  });

  it('lets go of everything, known or not', async () => {
    const keeper = keeperOf();
    await actuator.apply([order('older')]);
    await keeper.apply([order('a1')]);
    assert.deepEqual((await keeper.list())?.toSorted(), ['a1', 'older']);
    assert.deepEqual(await keeper.panic(), { ok: true });
    assert.deepEqual(actuator.enforced, []);
    assert.equal(keeper.size, 0);
  });
});
