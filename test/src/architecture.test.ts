import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  filesBelow,
  findCircle,
  nativeEdges,
  roomOf,
  typescriptEdges,
  upwardEdges,
  type Floors,
} from './support/layers.js';
import { PROJECT } from './support/project.js';

const NATIVE = join(PROJECT, 'native');
const SOURCE = join(PROJECT, 'src');

const NATIVE_FLOORS: Floors = [
  ['base'],
  ['dpi', 'decode', 'capture', 'match', 'stream'],
  ['fragment', 'inject'],
  ['flow'],
  ['emit'],
  ['engine'],
  ['addon'],
];

// The ground has an order of its own: errors, then domain, then what reads batches.
const TYPESCRIPT_FLOORS: Floors = [
  ['errors.ts'],
  ['domain'],
  ['batch'],
  ['models', 'twin', 'intel', 'store', 'config'],
  ['detectors', 'fusion', 'policy', 'response'],
  ['engine'],
  ['api'],
  ['index.ts'],
  ['cli', 'web'],
];

describe('layers: the checker', () => {
  const floors: Floors = [['base'], ['dpi', 'decode'], ['flow']];

  it('accepts arrows that stay in their room or point down', () => {
    const edges = [
      { from: 'flow/a.h', to: 'base/b.h' },
      { from: 'flow/a.h', to: 'flow/c.h' },
    ];
    assert.deepEqual(upwardEdges(edges, floors), []);
  });

  it('names arrows that point up or sideways', () => {
    const edges = [
      { from: 'base/a.h', to: 'flow/b.h' },
      { from: 'dpi/a.h', to: 'decode/b.h' },
    ];
    assert.deepEqual(upwardEdges(edges, floors), [
      'base/a.h looks at flow/b.h',
      'dpi/a.h looks at decode/b.h',
    ]);
  });

  it('refuses a room that is on no floor', () => {
    assert.throws(() => upwardEdges([{ from: 'attic/a.h', to: 'base/b.h' }], floors), /attic/);
  });

  it('finds a circle, and none where there is none', () => {
    const edges = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'a', to: 'c' },
    ];
    assert.deepEqual(findCircle(edges), []);
    assert.deepEqual(findCircle([...edges, { from: 'c', to: 'b' }]), ['b', 'c', 'b']);
  });
});

describe('layers: native', () => {
  const edges = nativeEdges(NATIVE);

  it('reads the includes of every file', () => {
    assert.ok(edges.some(({ from, to }) => from === 'flow/flow.h' && to === 'base/address.h'));
  });

  it('points down only', () => {
    assert.deepEqual(upwardEdges(edges, NATIVE_FLOORS), []);
  });

  it('has no circle of files', () => {
    assert.deepEqual(findCircle(edges), []);
  });

  it('includes only files that exist', () => {
    const files = new Set(filesBelow(NATIVE, ['.h', '.def']));
    assert.deepEqual(
      edges.filter(({ to }) => !files.has(to)),
      [],
    );
  });

  it('knows N-API in addon/ only', () => {
    const users = filesBelow(NATIVE, ['.h', '.cc']).filter((file) =>
      /#\s*include\s*[<"](napi\.h|node_api\.h|js_native_api\.h|uv\.h|v8\.h|node\.h)/.test(
        readFileSync(join(NATIVE, file), 'utf8'),
      ),
    );
    assert.deepEqual(
      users.filter((file) => roomOf(file) !== 'addon'),
      [],
    );
    assert.notDeepEqual(users, []);
  });

  it('keeps packet bytes behind the reader in decode/ and dpi/', () => {
    const parsers = filesBelow(NATIVE, ['.h', '.cc']).filter((file) =>
      ['decode', 'dpi'].includes(roomOf(file)),
    );
    assert.notDeepEqual(parsers, []);
    const offenders = parsers.filter((file) =>
      /\breinterpret_cast\b/.test(readFileSync(join(NATIVE, file), 'utf8')),
    );
    assert.deepEqual(offenders, []);
  });
});

describe('layers: TypeScript', () => {
  const edges = typescriptEdges(SOURCE);

  it('reads the imports of every file', () => {
    assert.ok(edges.some(({ from, to }) => from === 'engine/binding.ts' && to === 'errors.ts'));
  });

  it('points down only', () => {
    assert.deepEqual(upwardEdges(edges, TYPESCRIPT_FLOORS), []);
  });

  it('has no circle of files', () => {
    assert.deepEqual(findCircle(edges), []);
  });
});
