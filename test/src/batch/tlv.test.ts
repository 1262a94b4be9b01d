import assert from 'node:assert/strict';
import { EVENT_SCHEMA, EventType } from '../../../src/batch/generated/event_schema.js';
import { BatchView } from '../../../src/batch/batch_view.js';
import { TlvReader, toObject } from '../../../src/batch/tlv.js';
import { ThymusError } from '../../../src/errors.js';
import { BatchWriter, type Fields } from '../support/batch_writer.js';

const DNS = EVENT_SCHEMA.get(EventType.DNS)!;
const FIELDS: Fields = {
  type: 'answer',
  id: 70_000,
  qr: true,
  queries: [{ rrname: 'example.org', rrtype: 1 }],
  answers: [
    { rrname: 'example.org', rrtype: 1, ttl: 300, rdata: '192.0.2.1' },
    { rrname: 'exämple.org', rrtype: 6, soa: { mname: 'ns', serial: 2 ** 40 } },
  ],
};

function bodyOf(fields: Fields): Uint8Array {
  const event = { kind: 'dns', fields, timeUs: 1, orderIndex: 0 };
  const bytes = new BatchWriter().event(event).finish();
  const view = new BatchView(bytes);
  view.open(0, bytes.length);
  view.next();
  return bytes.slice(view.bodyAt, view.bodyAt + view.event.bodyBytes);
}

const parse = (body: Uint8Array) => toObject(DNS.fields, body, { at: 0, length: body.length });

describe('toObject', () => {
  it('gives back what was written, lists and nested objects too', () => {
    assert.deepEqual(parse(bodyOf(FIELDS)), FIELDS);
  });

  it('leaves out fields that the schema does not know', () => {
    assert.deepEqual(parse(Uint8Array.of(0xff, 0x7f, 1, 0, 9, ...bodyOf({ id: 5 }))), { id: 5 });
  });
});

describe('TlvReader', () => {
  it('refuses every cut that is not between fields', () => {
    const body = bodyOf(FIELDS);
    const ends = new Set([0]);
    const reader = new TlvReader().open(body, 0, body.length);
    while (reader.next()) ends.add(reader.at + reader.length);
    for (let length = 0; length < body.length; length++) {
      const cut = (): unknown => parse(body.slice(0, length));
      if (ends.has(length)) assert.doesNotThrow(cut);
      else assert.throws(cut, ThymusError, `cut to ${length}`);
    }
  });

  it('reads numbers of every width', () => {
    for (const id of [0, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      assert.deepEqual(parse(bodyOf({ id })), { id });
    }
  });
});
