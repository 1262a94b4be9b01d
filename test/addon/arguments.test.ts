import assert from 'node:assert/strict';
import type { NativeOptions } from '../../src/engine/addon_types.js';
import { attachRun, communityId, layoutHash, openRun } from '../../src/engine/binding.js';
import { LAYOUT_HASH } from '../../src/batch/generated/record_layout.js';
import { ThymusError } from '../../src/errors.js';

const GOOD: NativeOptions = {
  sources: ['/dev/null'],
  live: null,
  lanes: 1,
  shards: 2,
  homeNet: ['10.0.0.0/8'],
  publish: false,
  strictChecksums: false,
  digests: false,
  clearIdentities: false,
  eventsOfEnds: [],
  eventsOfLinks: [],
  identityKey: new Uint8Array(16),
  hashKey: null,
  maxFlows: 4096,
  pinned: [],
  queueBytes: 1 << 20,
  memoryBytes: 0,
};

function refuses(call: () => unknown, sentence: RegExp): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof ThymusError);
    assert.equal(error.code, 'USAGE');
    assert.match(error.message, sentence);
    return true;
  });
}

describe('openRun', () => {
  for (const [what, wrong, sentence] of [
    ['no sources', { sources: [] }, /At least one capture file is needed/],
    ['a source that is no text', { sources: [7] }, /name of a capture file must be a text/],
    ['an empty path', { sources: [''] }, /name of a capture file must be a text/],
    ['a path with a zero byte', { sources: ['a\0b'] }, /name of a capture file must be a text/],
    ['no lanes', { lanes: 0 }, /'lanes' must be a whole number from 1 to 64, not 0/],
    ['half a shard', { shards: 0.5 }, /'shards' must be a whole number/],
    ['lanes that are no number', { lanes: NaN }, /'lanes' must be a whole number/],
    ['a CPU that is no number', { pinned: [-1] }, /'pinned' must be a whole number from 0/],
    ['too few flows', { maxFlows: 1 }, /'maxFlows' must be a whole number from 1024/],
    ['a queue without limit', { queueBytes: Infinity }, /'queueBytes' must be a whole number/],
    ['what is no prefix', { homeNet: ['10/8'] }, /'10\/8' is not an address prefix/],
    ['a prefix that is too long', { homeNet: ['10.0.0.0/33'] }, /is not an address prefix/],
  ] as [string, Partial<NativeOptions>, RegExp][]) {
    it(`refuses ${what}`, () => refuses(() => openRun({ ...GOOD, ...wrong }), sentence));
  }
});

describe('drain', () => {
  const run = openRun(GOOD);
  const buffer = new Uint8Array(1 << 20);
  after(() => run.close());

  it('refuses a queue that is not there', () => {
    refuses(() => run.drain(3, buffer, 0), /'queue' must be a whole number from 0 to 2, not 3/);
    refuses(() => run.drain(-1, buffer, 0), /'queue' must be/);
    assert.throws(() => run.drain(2, buffer, 0), /no such queue/);
  });

  it('refuses a buffer that is too small or none', () => {
    refuses(() => run.drain(0, new Uint8Array(1024), 0), /at least 1 MiB/);
    refuses(() => run.drain(0, {} as Uint8Array, 0), /must be a Uint8Array/);
  });

  it('refuses to wait for ever', () => {
    refuses(() => run.drain(0, buffer, Infinity), /'timeoutMs' must be a whole number/);
  });

  it('takes a view over shared memory', () => {
    assert.equal(run.drain(0, new Uint8Array(new SharedArrayBuffer(1 << 20)), 1000) >= -1, true);
  });
});

describe('attachRun', () => {
  it('refuses what is no handle', () => refuses(() => attachRun(-1, 1), /'handle' must be/));

  it('finds out at the first call that there is no such run', () => {
    const run = attachRun(123_456, 1);
    assert.throws(() => run.drain(0, new Uint8Array(1 << 20), 0), /This run is closed/);
  });
});

describe('communityId', () => {
  const address = (text: string): Uint8Array => Uint8Array.from(text.split('.').map(Number));
  const tuple = {
    protocol: 6,
    source: address('128.232.110.120'),
    destination: address('66.35.250.204'),
    sourcePort: 34_855,
    destinationPort: 80,
  };

  it('is what the specification says, whichever way round', () => {
    const expected = '1:LQU9qZlK+B5F3KDmev6m5PMibrg=';
    assert.equal(communityId(tuple), expected);
    const { source, destination, sourcePort, destinationPort } = tuple;
    const reverse = {
      ...tuple,
      source: destination,
      destination: source,
      sourcePort: destinationPort,
      destinationPort: sourcePort,
    };
    assert.equal(communityId(reverse), expected);
    assert.equal(communityId(tuple, 1), '1:3V71V58M3Ksw/yuFALMcW0LAHvc=');
  });

  it('refuses addresses of two kinds', () => {
    refuses(() => communityId({ ...tuple, source: new Uint8Array(16) }), /must have 4 bytes/);
    refuses(() => communityId({ ...tuple, sourcePort: 65_536 }), /'sourcePort' must be/);
  });
});

describe('layoutHash', () => {
  it('is that of the lists the TypeScript side was made from', () => {
    assert.equal(layoutHash(), LAYOUT_HASH);
  });
});
