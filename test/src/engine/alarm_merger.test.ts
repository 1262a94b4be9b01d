import assert from 'node:assert/strict';
import type { Alarm } from '../../../src/domain/incident.js';
import type { Order } from '../../../src/domain/order.js';
import { AlarmMerger, RUN_END, RUN_START } from '../../../src/engine/alarm_merger.js';

const at = (timeUs: number, index = 0, sub = 0): Order => ({ timeUs, index, sub });

function alarm(order: Order, key: number): Alarm {
  return {
    entity: { kind: 'device', key, address: `10.0.0.${key}`, proven: true },
    state: 'open',
    headline: 'did something',
    order,
    timeUs: order.timeUs,
    lnWealth: 20,
    ticksRunning: 1,
    lanes: [],
    evidence: [],
    evidenceCount: 0,
  };
}

const keys = (alarms: readonly Alarm[]): number[] => alarms.map((each) => each.entity.key);

describe('AlarmMerger', () => {
  it('holds alarms until no shard can say anything earlier', () => {
    const merger = new AlarmMerger(2);
    merger.advance(0, [alarm(at(10), 1), alarm(at(30), 2)], at(40));
    assert.deepEqual(merger.safe, RUN_START);
    merger.advance(1, [alarm(at(20), 3)], at(25));
    assert.deepEqual(merger.safe, at(25));
    assert.deepEqual(keys(merger.take(merger.safe)), [1, 3]);
    merger.advance(1, [], RUN_END);
    assert.deepEqual(keys(merger.take(merger.safe)), [2]);
  });

  it('orders by time, index, sub-index, then entity', () => {
    const merger = new AlarmMerger(1);
    const alarms = [
      alarm(at(5, 2, 0), 6),
      alarm(at(5, 1, 1), 5),
      alarm(at(5, 1, 0), 4),
      alarm(at(5, 1, 0), 3),
      alarm(at(4, 9, 9), 2),
    ];
    merger.advance(0, alarms, RUN_END);
    assert.deepEqual(keys(merger.take(RUN_END)), [2, 3, 4, 5, 6]);
  });

  it('leaves what lies at or after the limit', () => {
    const merger = new AlarmMerger(1);
    merger.advance(0, [alarm(at(5, 1), 1), alarm(at(5, 2), 2)], RUN_END);
    assert.deepEqual(keys(merger.take(at(5, 2))), [1]);
    assert.deepEqual(keys(merger.take(at(5, 2))), []);
    assert.deepEqual(keys(merger.take(RUN_END)), [2]);
  });
});
