import assert from 'node:assert/strict';
import { BatchView, Item } from '../../../src/batch/batch_view.js';
import { EVENT_SCHEMA, EventType } from '../../../src/batch/generated/event_schema.js';
import { toObject } from '../../../src/batch/tlv.js';
import { ThymusError } from '../../../src/errors.js';
import { BatchWriter } from '../support/batch_writer.js';

const at = (timeUs: number, orderIndex: number, orderSub = 0) => ({ timeUs, orderIndex, orderSub });
const ends = { origAddr: '10.0.0.1', respAddr: '10.0.0.2' };

function sample(): Uint8Array {
  return new BatchWriter()
    .row({ ...at(10, 1), ...ends, detail: { community_id: '1:abc' } })
    .row({ ...at(20, 2), ...ends, origPort: 4000 })
    .row({ ...at(20, 5), ...ends })
    .event({ ...at(10, 0), kind: 'anomaly', fields: { code: 1 } })
    .event({ ...at(20, 2, 1), kind: 'anomaly', fields: { code: 300, layer: 2 } })
    .event({ ...at(30, 9), kind: 'anomaly', fields: {} })
    .finish();
}

describe('BatchView', () => {
  it('gives rows and events in their merged order', () => {
    const bytes = sample();
    const view = new BatchView(bytes);
    view.open(0, bytes.length);
    const seen: string[] = [];
    for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
      const item = kind === Item.FLOW ? view.row : view.event;
      seen.push(`${kind === Item.FLOW ? 'row' : 'event'} ${item.timeUs} ${item.orderIndex}`);
    }
    assert.deepEqual(seen, [
      'event 10 0',
      'row 10 1',
      'row 20 2',
      'event 20 2',
      'row 20 5',
      'event 30 9',
    ]);
  });

  it('finds the details of a row and the fields of an event', () => {
    const bytes = sample();
    const view = new BatchView(bytes);
    view.open(0, bytes.length);
    view.next();
    view.next();
    const detail = { at: view.detailAt, length: view.row.heapBytes };
    assert.deepEqual(
      toObject(EVENT_SCHEMA.get(EventType.FLOW_DETAIL)!.fields, view.bytes, detail),
      {
        community_id: '1:abc',
      },
    );
    view.next();
    assert.equal(view.row.origPort, 4000);
    view.next();
    const body = { at: view.bodyAt, length: view.event.bodyBytes };
    assert.deepEqual(toObject(EVENT_SCHEMA.get(EventType.ANOMALY)!.fields, view.bytes, body), {
      code: 300,
      layer: 2,
    });
  });

  it('walks batches that follow each other', () => {
    const one = sample();
    const bytes = new Uint8Array(2 * one.length);
    bytes.set(one);
    bytes.set(one, one.length);
    const view = new BatchView(bytes);
    let items = 0;
    for (let offset = 0; offset < bytes.length;) {
      offset = view.open(offset, bytes.length);
      while (view.next() !== Item.NONE) items++;
    }
    assert.equal(items, 12);
  });

  it('refuses every cut and every damaged word of a header, and reads nothing outside', () => {
    const whole = sample();
    const walk = (bytes: Uint8Array, limit: number): void => {
      const view = new BatchView(bytes);
      view.open(0, limit);
      for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
        if (kind === Item.FLOW) assert.ok(view.detailAt > 0);
        else
          toObject(EVENT_SCHEMA.get(EventType.ARP)!.fields, view.bytes, {
            at: view.bodyAt,
            length: view.event.bodyBytes,
          });
      }
    };
    const total = new DataView(whole.buffer).getUint32(8, true);
    for (let limit = 0; limit < total; limit++) {
      assert.throws(() => walk(whole, limit), ThymusError, `cut to ${limit}`);
    }
    for (let word = 0; word < 8; word++) {
      const bytes = whole.slice();
      new DataView(bytes.buffer).setUint32(4 * word, 0xfffffff0, true);
      assert.throws(() => walk(bytes, bytes.length), ThymusError, `word ${word}`);
    }
  });

  it('survives every single-byte change', () => {
    const whole = sample();
    for (let i = 0; i < whole.length; i++) {
      const bytes = whole.slice();
      bytes[i]! ^= 0xff;
      try {
        const view = new BatchView(bytes);
        view.open(0, bytes.length);
        for (let n = 0; view.next() !== Item.NONE; n++) assert.ok(n < 6);
      } catch (error) {
        assert.ok(error instanceof ThymusError, `byte ${i}: ${String(error)}`);
      }
    }
  });
});
