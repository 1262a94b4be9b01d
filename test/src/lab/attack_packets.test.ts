import assert from 'node:assert/strict';
import { positionsOf } from '../../../bench/lab/data_set/attack_packets.js';
import { packetAt, type Packet } from '../../../bench/lab/pcap_file.js';

const packet = (timeUs: number, byte: number): Packet => packetAt(timeUs, Buffer.of(byte));
const WHOLE = [packet(1, 1), packet(1, 2), packet(2, 1), packet(2, 1), packet(3, 3)];

describe('positionsOf', () => {
  it('finds each packet of a part in the whole', () => {
    assert.deepEqual(positionsOf(WHOLE, [packet(1, 2), packet(3, 3)]), [1, 4]);
  });

  it('gives equal packets a position each', () => {
    assert.deepEqual(positionsOf(WHOLE, [packet(2, 1), packet(2, 1)]), [2, 3]);
  });

  it('refuses what is no part of it', () => {
    assert.throws(() => positionsOf(WHOLE, [packet(2, 9)]), /not part/);
    assert.throws(() => positionsOf(WHOLE, [packet(3, 3), packet(1, 1)]), /not part/);
  });
});
