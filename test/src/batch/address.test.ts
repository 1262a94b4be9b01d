import assert from 'node:assert/strict';
import { formatAddress } from '../../../src/batch/address.js';
import { addressBytes } from '../support/batch_writer.js';

describe('formatAddress', () => {
  const cases: readonly [string, string][] = [
    ['10.0.0.7', '10.0.0.7'],
    ['0.0.0.0', '0.0.0.0'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80:0:0:0:0:0:0:1', 'fe80::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:0:0:1:0:0:0:0', '2001:0:0:1::'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ];
  for (const [bytes, text] of cases) {
    it(`writes ${text}`, () => {
      const padded = new Uint8Array(20);
      padded.set(addressBytes(bytes), 3);
      assert.equal(formatAddress(padded, 3), text);
    });
  }
});
