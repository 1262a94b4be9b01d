import { formatAddress } from '../batch/address.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { Walk } from './outcomes.js';
import { RecencyMap } from './recency_map.js';

/** An address of a link, and who has it. */
export class LinkAddress {
  mac = 0;
  sinceUs = 0;
  heardUs = 0;
  text = '';
  /** Another station that claims it, and since when. */
  contender = 0;
  contestedUs = 0;
  /** The station that was last said to have taken a gateway's address. */
  toldOf = 0;
  readonly bytes = new Uint8Array(16);

  clear(): void {
    this.mac = 0;
    this.text = '';
    this.contender = 0;
    this.toldOf = 0;
  }

  save(out: StateWriter): void {
    saveBytes(this.bytes, out);
    out.f64s([this.mac, this.sinceUs, this.heardUs]);
    out.f64s([this.contender, this.contestedUs, this.toldOf]);
  }

  restore(from: StateReader): void {
    restoreBytes(this.bytes, from);
    this.text = formatAddress(this.bytes, 0);
    this.mac = from.natural();
    this.sinceUs = from.time();
    this.heardUs = from.time();
    this.contender = from.natural();
    this.contestedUs = from.time();
    this.toldOf = from.natural();
  }
}

/** A network card, by the addresses that it claims. */
export class LinkStation {
  /** The first address that was its own; 0: none yet. */
  key = 0;
  readonly bytes = new Uint8Array(16);
  readonly walk = new Walk();

  clear(): void {
    this.key = 0;
    this.walk.clear();
  }

  save(out: StateWriter): void {
    out.f64(this.key);
    saveBytes(this.bytes, out);
    this.walk.save(out);
  }

  restore(from: StateReader): void {
    this.key = from.natural();
    restoreBytes(this.bytes, from);
    this.walk.restore(from);
  }
}

/** Who gives addresses or routes to others. */
export class LinkServer {
  sinceUs = 0;

  clear(): void {
    this.sinceUs = 0;
  }

  save(out: StateWriter): void {
    out.f64(this.sinceUs);
  }

  restore(from: StateReader): void {
    this.sinceUs = from.time();
  }
}

export function saveTable<V extends { save(out: StateWriter): void }>(
  table: RecencyMap<V>,
  out: StateWriter,
): void {
  table.save(out, (value) => value.save(out));
}

export function restoreTable<V extends { restore(from: StateReader): void }>(
  table: RecencyMap<V>,
  from: StateReader,
): void {
  table.restore(from, (value) => value.restore(from));
}

function saveBytes(bytes: Uint8Array, out: StateWriter): void {
  for (const byte of bytes) out.u8(byte);
}

function restoreBytes(bytes: Uint8Array, from: StateReader): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = from.u8();
}

export function tableOf<V extends { clear(): void }>(most: number, make: () => V): RecencyMap<V> {
  return new RecencyMap(most, make, (value) => value.clear());
}
