import assert from 'node:assert/strict';
import { join } from 'node:path';
import protobuf from 'protobufjs';

import { thymus } from '../../../src/api/gen/verdict.js';
import { verdictMessage } from '../../../src/api/verdict.js';
import { PROJECT } from '../support/project.js';
import { assertGolden, readGolden } from './golden.js';
import { scanIncident } from './incidents.js';

const { Envelope } = thymus.v1;
const GOLDEN = 'thymus_v1.proto.txt';

/** A verdict as an early engine wrote it: the entity 10.0.0.9 and the incident 4. */
const EARLY = '12170a120a06646576696365120831302e302e302e392a0134';

describe('thymus.v1', () => {
  const root = new protobuf.Root();
  const files = ['thymus_v1', 'enforcement'].map((name) => join(PROJECT, `proto/${name}.proto`));
  root.loadSync(files, { keepCase: true }).resolveAll();

  it('never loses or changes a field, a value or a method', () => {
    const now = linesOf(root.lookup('thymus.v1') as protobuf.Namespace);
    const before = readGolden(GOLDEN);
    const lost = before.split('\n').filter((line) => !now.includes(line));
    assert.deepEqual(lost.filter(Boolean), [], 'numbers are never used again');
    assertGolden(GOLDEN, `${now.join('\n')}\n`);
  });

  it('uses each number once', () => {
    for (const type of typesOf(root.lookup('thymus.v1') as protobuf.Namespace)) {
      const ids = type.fieldsArray.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, type.fullName);
    }
  });

  it('passes over what later versions say', () => {
    const later = protobuf.parse(LATER).root.lookupType('later.Envelope');
    const bytes = later.encode({ verdict: { confidence: 0.5, novel: 'x' }, more: [7] }).finish();
    assert.equal(Envelope.decode(bytes).verdict!.confidence, 0.5);
  });

  it('is read by those who know the first version only', () => {
    const early = protobuf.parse(FIRST).root.lookupType('first.Envelope');
    const verdict = { ...verdictMessage(scanIncident()), change: 3, runId: 'RUN' };
    const bytes = Envelope.encode({ verdict, cursor: '019ab3c2d4e5.1' }).finish();
    const read = early.toObject(early.decode(bytes)) as { verdict: Record<string, unknown> };
    assert.deepEqual(read.verdict['incidentId'], '1');
    assert.deepEqual(Object.keys(read), ['verdict']);
  });

  it('reads what the first version wrote', () => {
    const { verdict, cursor } = Envelope.decode(Buffer.from(EARLY, 'hex'));
    assert.equal(verdict!.entity!.address, '10.0.0.9');
    assert.equal(verdict!.incidentId, '4');
    assert.equal(verdict!.change, 0);
    assert.equal(cursor, '');
  });
});

const LATER = `syntax = "proto3"; package later;
message Envelope { oneof message { Verdict verdict = 2; Other other = 900; } repeated int32 more = 901; }
message Other {}
message Verdict { double confidence = 3; string novel = 902; }`;

const FIRST = `syntax = "proto3"; package first;
message Envelope { oneof message { Verdict verdict = 2; } }
message Verdict { Entity entity = 1; double confidence = 3; string incident_id = 5; }
message Entity { string kind = 1; string address = 2; bool proven = 3; }`;

/** What clients can see: all that the service's methods lead to. */
function reachable({ nestedArray }: protobuf.Namespace): Set<protobuf.ReflectionObject> {
  const met = new Set<protobuf.ReflectionObject>();
  const visit = (type: protobuf.Type | protobuf.Enum | null): void => {
    if (type === null || met.has(type)) return;
    met.add(type);
    if (type instanceof protobuf.Enum) return;
    for (const field of type.fieldsArray) visit(field.resolve().resolvedType);
  };
  for (const service of nestedArray.filter((one) => one instanceof protobuf.Service)) {
    for (const method of service.methodsArray) {
      visit(method.resolvedRequestType);
      visit(method.resolvedResponseType);
    }
  }
  return met;
}

function linesOf(namespace: protobuf.Namespace): string[] {
  const isPublic = reachable(namespace);
  const types = typesOf(namespace).filter((type) => isPublic.has(type));
  const enums = enumsOf(namespace).filter((one) => isPublic.has(one));
  return [
    ...types.flatMap((type) =>
      type.fieldsArray.map((field) => {
        const repeated = field.repeated ? 'repeated ' : '';
        const kind = field.resolvedType?.fullName ?? field.type;
        const group = field.partOf === null ? '' : ` in ${field.partOf.name}`;
        return `${type.fullName}.${field.name} = ${field.id}: ${repeated}${kind}${group}`;
      }),
    ),
    ...enums.flatMap((one) =>
      Object.entries(one.values).map(([name, value]) => `${one.fullName}.${name} = ${value}`),
    ),
    ...namespace.nestedArray
      .filter((one) => one instanceof protobuf.Service)
      .flatMap((service) => service.methodsArray)
      .map((method) => {
        const { fullName, resolvedRequestType: request, resolvedResponseType: response } = method;
        const stream = method.responseStream === true ? 'stream ' : '';
        return `${fullName}: ${request!.fullName} -> ${stream}${response!.fullName}`;
      }),
  ].sort();
}

function typesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  const own = namespace.nestedArray.filter((one) => one instanceof protobuf.Type);
  return own.flatMap((type) => [type, ...typesOf(type)]);
}

function enumsOf(namespace: protobuf.NamespaceBase): protobuf.Enum[] {
  const own = namespace.nestedArray.filter((one) => one instanceof protobuf.Enum);
  const types = namespace.nestedArray.filter((one) => one instanceof protobuf.Type);
  return [...own, ...types.flatMap(enumsOf)];
}
