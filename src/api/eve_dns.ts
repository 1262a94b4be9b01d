import { EVENT_SCHEMA, EventField, EventType } from '../batch/generated/event_schema.js';
import { recordTypeName, responseCodeName } from './dns_names.js';
import {
  eachValue,
  firstJson,
  planFields,
  readUnsigned,
  type FieldForms,
  type FieldPlan,
} from './eve_body.js';

const Answer = EventField.DNS.ANSWERS;
const recordType = { number: (type: number) => `"${recordTypeName(type)}"` };

/** Where EVE's DNS events, version 3, differ from the schema. */
const FORMS: FieldForms = {
  flags: { number: (flags) => `"${flags.toString(16)}"` },
  rcode: { number: (code) => `"${responseCodeName(code)}"` },
  'queries.rrtype': recordType,
  'answers.rrtype': recordType,
  'authorities.rrtype': recordType,
  'additionals.rrtype': recordType,
};

export const DNS_PLAN = planFields(EVENT_SCHEMA.get(EventType.DNS)!.fields, FORMS);
export const DNS_HEAD = '"version":3';

const ANSWER_PLAN = DNS_PLAN[EventField.DNS.ANSWERS_ID - 1]!.fields;
const DATA_PLAN: readonly FieldPlan[] = [Answer.RDATA, Answer.SOA_ID, Answer.SRV_ID].map(
  (number) => ANSWER_PLAN[number - 1]!,
);

/** The member `grouped`: the data of the answers by record type. Empty without answers. */
export function dnsGrouped(bytes: Buffer): string {
  const groups = new Map<string, string>();
  eachValue(EventField.DNS.ANSWERS_ID, bytes, [0, bytes.length], (from, to) => {
    const data = answerData(bytes, from, to);
    if (data === '') return;
    const name = recordTypeName(answerType(bytes, from, to));
    const before = groups.get(name);
    groups.set(name, before === undefined ? data : `${before},${data}`);
  });
  if (groups.size === 0) return '';
  return `,"grouped":{${[...groups].map(([name, data]) => `"${name}":[${data}]`).join(',')}}`;
}

function answerType(bytes: Buffer, at: number, end: number): number {
  let type = 0;
  eachValue(Answer.RRTYPE, bytes, [at, end], (from, to) => {
    type = readUnsigned(bytes, from, to);
  });
  return type;
}

function answerData(bytes: Buffer, at: number, end: number): string {
  for (const field of DATA_PLAN) {
    const data = firstJson(field, bytes, at, end);
    if (data !== '') return data;
  }
  return '';
}
