import assert from 'node:assert/strict';
import { endsOf } from '../../../bench/lab/data_set/frame_ends.js';
import { Flag, tcpFrame } from '../support/captures.js';

describe('endsOf', () => {
  it('tells a TCP conversation by protocol, addresses and ports', () => {
    const ends = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 4000, toPort: 80 };
    const frame = tcpFrame(ends, { flags: Flag.SYN, seq: 0, ack: 0 });
    assert.deepEqual(endsOf(frame), {
      sourceMac: '02:00:00:00:00:01',
      source: '10.0.0.1',
      destination: '10.0.0.2',
      tuple: '6 10.0.0.1 10.0.0.2 4000 80',
    });
  });

  it('writes IPv6 addresses in their canonical form', () => {
    const cases = [
      ['fd420020000000000000000000000104', 'fd42:20::104'],
      ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
      ['00000000000000000000000000000000', '::'],
      ['00000000000000000000000000000001', '::1'],
      ['fe800000000000000000000000000000', 'fe80::'],
      ['00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
    ] as const;
    for (const [hex, text] of cases) {
      const frame = Buffer.alloc(54);
      frame.writeUInt16BE(0x86dd, 12);
      frame.write(hex, 22, 'hex');
      assert.equal(endsOf(frame).source, text);
    }
  });

  it('takes the addresses that an ARP frame claims', () => {
    const arp = '08000604000200163e140068' + '0a140001' + '0016' + '3e140065' + '0a140065';
    const frame = Buffer.from(`ffffffffffff00163e14006808060001${arp}`, 'hex');
    const { sourceMac, source, destination } = endsOf(frame);
    assert.deepEqual(
      [sourceMac, source, destination],
      ['00:16:3e:14:00:68', '10.20.0.1', '10.20.0.101'],
    );
  });

  it('knows only the link of anything else', () => {
    const { source, tuple } = endsOf(Buffer.from('ffffffffffff00163e14006888cc', 'hex'));
    assert.equal(source, null);
    assert.equal(tuple, '00:16:3e:14:00:68');
  });
});
