import assert from 'node:assert/strict';
import { join } from 'node:path';
import { BatchView, Item } from '../../src/batch/batch_view.js';
import { EventType } from '../../src/batch/generated/event_schema.js';
import { FlowRoles } from '../../src/batch/generated/record_layout.js';
import { openRun } from '../../src/engine/binding.js';
import { PROJECT } from '../src/support/project.js';

const SHARDS = 4;

interface Seen {
  readonly type: number;
  readonly timeUs: number;
  readonly key: string;
  readonly sender: number;
  readonly receiver: number;
  readonly roles: number;
}

/** The events in each queue of a run over the office day; the last queue publishes. */
function eventsOf(options: { publish: boolean; lanes: number }): Seen[][] {
  const run = openRun({
    sources: [join(PROJECT, 'pcaps/office_day.pcap.gz')],
    live: null,
    shards: SHARDS,
    homeNet: ['10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12'],
    strictChecksums: false,
    digests: false,
    clearIdentities: false,
    eventsOfEnds: [EventType.DNS],
    eventsOfLinks: [EventType.ARP],
    identityKey: new Uint8Array(16),
    hashKey: null,
    maxFlows: 4096,
    pinned: [],
    queueBytes: 1 << 28,
    memoryBytes: 0,
    ...options,
  });
  const buffer = new Uint8Array(1 << 20);
  const view = new BatchView(buffer);
  const queues = Array.from({ length: SHARDS + (options.publish ? 1 : 0) }, () => [] as Seen[]);
  // One thread drains all queues, so it waits in none.
  for (const open = new Set(queues.keys()); open.size > 0;) {
    for (const queue of open) {
      const bytes = run.drain(queue, buffer, 0);
      if (bytes < 0) open.delete(queue);
      for (let offset = 0; offset < bytes;) {
        offset = view.open(offset, bytes);
        for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
          if (kind === Item.EVENT) queues[queue]!.push(seenOf(view));
        }
      }
    }
  }
  run.close();
  return queues;
}

function seenOf({ event }: BatchView): Seen {
  const { type, timeUs, orderIndex, orderSub, roles } = event;
  const key = `${timeUs} ${orderIndex} ${orderSub}`;
  return { type, timeUs, key, sender: event.origKey, receiver: event.respKey, roles };
}

describe('events that are judged', () => {
  const published = eventsOf({ publish: true, lanes: 1 });
  const dns = (events: readonly Seen[]): Seen[] => events.filter((e) => e.type === EventType.DNS);
  const arp = (events: readonly Seen[]): Seen[] => events.filter((e) => e.type === EventType.ARP);

  it('come to the shards of both internal ends, and no others', () => {
    const all = dns(published[SHARDS]!);
    assert.ok(all.length > 0);
    for (const event of all) {
      const isInternal = [
        [event.sender, event.roles & FlowRoles.ORIGINATOR_INTERNAL],
        [event.receiver, event.roles & FlowRoles.RESPONDER_INTERNAL],
      ] as const;
      const owners = new Set(isInternal.filter(([, is]) => is).map(([key]) => key % SHARDS));
      published.slice(0, SHARDS).forEach((events, shard) => {
        assert.equal(
          dns(events).filter((e) => e.key === event.key).length,
          owners.has(shard) ? 1 : 0,
        );
      });
    }
  });

  it('come to every shard when they speak of a link', () => {
    assert.ok(arp(published[SHARDS]!).length > 0);
    for (const events of published.slice(0, SHARDS)) {
      assert.deepEqual(
        arp(events).map((e) => e.key),
        arp(published[SHARDS]!).map((e) => e.key),
      );
    }
  });

  it('come in time order, whether or not anything is published, and however many lanes', () => {
    for (const options of [
      { publish: false, lanes: 1 },
      { publish: false, lanes: 3 },
    ]) {
      eventsOf(options).forEach((events, shard) => {
        assert.deepEqual(events, published[shard]);
        assert.ok(events.every((e, i) => i === 0 || e.timeUs >= events[i - 1]!.timeUs));
      });
    }
  });
});
