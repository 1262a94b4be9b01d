import assert from 'node:assert/strict';
import { BatchView } from '../../../src/batch/batch_view.js';
import { communityIdOf } from '../../../src/batch/community_id.js';
import { BatchWriter } from '../support/batch_writer.js';

/** Published by the community id project for its example captures. */
const CASES: readonly [string, number, string, number, string, number, string][] = [
  ['TCP', 6, '128.232.110.120', 34855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [
    'TCP, answered first',
    6,
    '66.35.250.204',
    80,
    '128.232.110.120',
    34855,
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  ],
  ['UDP', 17, '192.168.1.52', 54585, '8.8.8.8', 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['ICMP echo', 1, '192.168.0.89', 8 << 8, '192.168.0.1', 99, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
];

describe('communityIdOf', () => {
  for (const [name, protocol, origAddr, origPort, respAddr, respPort, expected] of CASES) {
    it(`gives the published id: ${name}`, () => {
      const row = { protocol, origAddr, origPort, respAddr, respPort, ipVersion: 4 };
      const bytes = new BatchWriter().row(row).finish();
      const view = new BatchView(bytes);
      view.open(0, bytes.length);
      view.next();
      assert.equal(communityIdOf(view.row), expected);
    });
  }
});
