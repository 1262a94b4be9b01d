import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { ThymusError } from '../../../src/errors.js';

const isInvalid = (error: unknown): boolean =>
  error instanceof ThymusError && error.code === 'MODEL_INVALID';

function sample(): Uint8Array {
  const out = new StateWriter();
  out.u8(7);
  out.flag(true);
  out.u32(0xfffffffe);
  out.f64(-Infinity);
  out.f32s(Float32Array.of(-0.5, 3.25));
  out.text('Gerät');
  out.part((part) => part.f64s([1, 2.5, 2 ** 52]));
  out.json({ reason: 'a', others: [1] });
  return out.take();
}

function read(from: StateReader): unknown[] {
  const numbers = [from.u8(), from.flag(), from.u32(), from.f64(), ...from.f32s(2)];
  const head = [...numbers, from.text()];
  const part = from.part();
  return [...head, [...part.f64s(3)], part.left, from.json(), from.left];
}

describe('StateWriter and StateReader', () => {
  it('give back what was written', () => {
    assert.deepEqual(read(new StateReader(sample())), [
      7,
      true,
      0xfffffffe,
      -Infinity,
      -0.5,
      3.25,
      'Gerät',
      [1, 2.5, 2 ** 52],
      0,
      { reason: 'a', others: [1] },
      0,
    ]);
  });

  it('refuse every beginning that is cut off', () => {
    const bytes = sample();
    for (let n = 0; n < bytes.length; n++) {
      assert.throws(() => read(new StateReader(bytes.slice(0, n))), isInvalid, `${n} bytes`);
    }
  });

  it('grow as far as needed, whatever is written when they do', () => {
    for (let before = 4080; before <= 4096; before++) {
      const out = new StateWriter();
      out.bytes(new Uint8Array(before - 4));
      out.bytes(sample());
      const reader = new StateReader(out.take());
      assert.equal(reader.bytes().length, before - 4);
      assert.equal(read(new StateReader(reader.bytes())).length, 11);
    }
  });

  it('let nobody read beyond a part, or more than a limit', () => {
    const out = new StateWriter();
    out.part((part) => part.u32(5));
    out.f64(1);
    const bytes = out.take();
    assert.throws(() => new StateReader(bytes).part().f64(), isInvalid);
    assert.throws(() => new StateReader(bytes).part().count(4), isInvalid);
    assert.throws(() => new StateReader(bytes).part().f64s(2 ** 31), isInvalid);
    assert.throws(() => new StateReader(bytes).part().f32s(2 ** 31), isInvalid);
    assert.throws(() => new StateReader(bytes).expect(false), isInvalid);
  });

  it('passes over a part that nobody reads', () => {
    const out = new StateWriter();
    out.part((part) => part.text('of a detector that is no more'));
    out.u8(3);
    const reader = new StateReader(out.take());
    reader.part();
    assert.equal(reader.u8(), 3);
  });
});
