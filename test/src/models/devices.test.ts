import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { ThymusError } from '../../../src/errors.js';
import { AddressLeases } from '../../../src/models/address_leases.js';
import { guessClass } from '../../../src/models/device_class.js';
import {
  Device,
  DeviceTable,
  identityText,
  isRandomMac,
  placeOf,
} from '../../../src/models/device_table.js';
import { cosine, PeerGroups, sketchOf } from '../../../src/models/peer_groups.js';
import { TopCounts } from '../../../src/models/top_counts.js';
import { seeded } from '../support/traffic.js';

const S = 1e6;
const MAC_A = '00:16:3e:00:00:0a';
const MAC_B = '00:16:3e:00:00:0b';
const RANDOM_1 = '06:00:00:00:00:01';
const RANDOM_2 = '0a:00:00:00:00:02';
const ADDRESS = '10.0.0.5';

const now = (seconds: number): { atUs: number; untilUs: null } => {
  return { atUs: seconds * S, untilUs: null };
};

describe('AddressLeases', () => {
  it('says whose an address was, whatever is said later', () => {
    const leases = new AddressLeases<string>();
    leases.bind(ADDRESS, 'a', now(10));
    leases.bind(ADDRESS, 'b', now(20));
    leases.bind(ADDRESS, 'a', now(30));
    const owners = [5, 10, 19, 20, 29, 30, 99].map((at) => leases.ownerAt(ADDRESS, at * S));
    assert.deepEqual(owners, [undefined, 'a', 'a', 'b', 'b', 'a', 'a']);
  });

  it('ends a lease when its time is over or it is given back, and renews it', () => {
    const leases = new AddressLeases<string>();
    leases.bind(ADDRESS, 'a', { atUs: 0, untilUs: 100 * S });
    leases.bind(ADDRESS, 'a', now(50));
    assert.equal(leases.ownerAt(ADDRESS, 99 * S), 'a');
    assert.equal(leases.ownerAt(ADDRESS, 100 * S), undefined);
    leases.bind(ADDRESS, 'a', { atUs: 90 * S, untilUs: 190 * S });
    assert.equal(leases.ownerAt(ADDRESS, 150 * S), 'a');
    leases.release(ADDRESS, 160 * S);
    assert.equal(leases.ownerAt(ADDRESS, 170 * S), undefined);
    assert.equal(leases.ownerAt(ADDRESS, 155 * S), 'a');
  });

  it('stays bounded, and counts what it forgot', () => {
    const leases = new AddressLeases<number>(100);
    for (let i = 0; i < 1000; i++) leases.bind(`10.0.${i >> 8}.${i & 255}`, i, now(i));
    for (let i = 0; i < 1000; i++) leases.bind(ADDRESS, i, now(2000 + i));
    assert.equal(leases.evictions, 901);
    assert.ok([...leases.all()].length < 120);
  });
});

describe('DeviceTable', () => {
  it('gives a stopgap to the first who is known to have its address, and to nobody after', () => {
    const table = new DeviceTable();
    const stopgap = table.atOrNew(ADDRESS, 1 * S);
    stopgap.flows = 7;
    const a = table.bindMac(MAC_A, ADDRESS, now(2));
    assert.equal(a.flows, 7);
    const b = table.bindMac(MAC_B, ADDRESS, now(3));
    assert.equal(b.flows, 0);
    assert.equal(table.at(ADDRESS, 2.5 * S), a);
    assert.equal(table.at(ADDRESS, 4 * S), b);
    assert.equal(table.size, 2);
  });

  it('keeps the same address in two networks apart', () => {
    const table = new DeviceTable();
    const a = table.bindMac(MAC_A, placeOf(ADDRESS, 10), now(1));
    const b = table.bindMac(MAC_B, placeOf(ADDRESS, 20), now(1));
    assert.equal(table.at(placeOf(ADDRESS, 10), 2 * S), a);
    assert.equal(table.at(placeOf(ADDRESS, 20), 2 * S), b);
  });

  it('joins made-up hardware addresses by what DHCP says, when the one before is absent', () => {
    const table = new DeviceTable();
    const phone = table.ofDhcp(RANDOM_1, 'phone/1', 0);
    assert.notEqual(table.ofDhcp(RANDOM_2, 'phone/1', 60 * S), phone);
    const later = new DeviceTable();
    const before = later.ofDhcp(RANDOM_1, 'phone/1', 0);
    assert.equal(later.ofDhcp(RANDOM_2, 'phone/1', 3600 * S), before);
    assert.deepEqual(before.identities.map(identityText), [
      'dhcp phone/1',
      `random mac ${RANDOM_1}`,
      `random mac ${RANDOM_2}`,
    ]);
  });

  it('never joins hardware addresses that are not made up', () => {
    const table = new DeviceTable();
    const a = table.ofDhcp(MAC_A, 'printer/1', 0);
    assert.notEqual(table.ofDhcp(MAC_B, 'printer/1', 9e9 * S), a);
    assert.deepEqual([isRandomMac(MAC_A), isRandomMac(RANDOM_1)], [false, true]);
  });

  it('knows a subscriber whatever its address is', () => {
    const table = new DeviceTable();
    const device = table.ofSubscriber('001010000000001');
    assert.equal(table.ofSubscriber('001010000000001'), device);
    assert.equal(device.identity.kind, 'imsi');
  });

  it('stays bounded, and forgets whom it saw longest ago', () => {
    const table = new DeviceTable(50);
    table.bindMac(MAC_A, ADDRESS, now(0));
    for (let i = 0; i < 500; i++) {
      table.atOrNew(`10.1.${i >> 8}.${i & 255}`, i * S);
      table.at(ADDRESS, i * S);
    }
    assert.equal(table.size, 50);
    assert.equal(table.evictions, 451);
    assert.equal(identityText(table.at(ADDRESS, 600 * S)!.identity), `mac ${MAC_A}`);
  });
});

describe('DeviceTable and PeerGroups', () => {
  it('are the same after they were saved and restored', () => {
    const table = new DeviceTable(200);
    const random = seeded(8);
    for (let i = 0; i < 300; i++) {
      const at = i * 60 * S;
      const place = placeOf(`10.0.0.${Math.floor(random() * 60)}`, random() < 0.3 ? 7 : null);
      const mac = `00:16:3e:00:00:${(10 + Math.floor(random() * 40)).toString(16)}`;
      if (random() < 0.3) table.bindMac(mac, place, { atUs: at, untilUs: at + 3600 * S });
      const device = table.atOrNew(place, at);
      device.see(at);
      device.upload(1000 * random(), at);
      device.apps.add(Math.floor(random() * 99));
      device.service(6, Math.floor(random() * 9))?.meet(i);
      device.hints.add(`agent ${Math.floor(random() * 99)}`);
      device.addName(`host-${i % 7}`);
    }
    const groups = new PeerGroups();
    groups.assign(table.all().map((one) => ({ number: one.number, sketch: sketchOf(one) })));
    const bytesOf = (...parts: (DeviceTable | PeerGroups)[]): Uint8Array => {
      const out = new StateWriter();
      for (const part of parts) part.save(out);
      return out.take();
    };
    const bytes = bytesOf(table, groups);
    const [table2, groups2] = [new DeviceTable(200), new PeerGroups()];
    const from = new StateReader(bytes);
    table2.restore(from);
    groups2.restore(from);
    assert.equal(from.left, 0);
    assert.deepEqual(bytesOf(table2, groups2), bytes);
    for (let n = 0; n < bytes.length; n += 97) {
      const cut = new StateReader(bytes.slice(0, n));
      assert.throws(() => {
        new DeviceTable(200).restore(cut);
        new PeerGroups().restore(cut);
      }, ThymusError);
    }
  });
});

describe('TopCounts', () => {
  it('never leaves out what is frequent, and counts no less than there was', () => {
    const random = seeded(5);
    const counts = new TopCounts<number>(20);
    const exact = new Map<number, number>();
    for (let i = 0; i < 20_000; i++) {
      const key = random() < 0.5 ? Math.floor(random() * 5) : Math.floor(random() * 5000);
      counts.add(key);
      exact.set(key, (exact.get(key) ?? 0) + 1);
    }
    assert.equal(counts.size, 20);
    const top = counts.top(5);
    assert.deepEqual(top.map(([key]) => key).sort(), [0, 1, 2, 3, 4]);
    for (const [key, count] of top) assert.ok(count >= exact.get(key)!);
  });
});

describe('guessClass', () => {
  const hinted = (...hints: string[]): Device => {
    const device = new Device(1);
    for (const hint of hints) device.hints.add(hint);
    return device;
  };

  const cases: readonly (readonly [string, string, Device])[] = [
    ['a Windows computer', 'computer', hinted('dhcp MSFT 5.0', 'syn mss,nop,ws,nop,nop,sok')],
    ['an Android phone', 'phone', hinted('dhcp android-dhcp-13', 'agent Dalvik/2 (Android 13)')],
    ['a printer', 'printer', hinted('mdns _ipp._tcp', 'mdns _pdl-datastream._tcp')],
    [
      'a cast receiver',
      'media player',
      hinted('mdns _googlecast._tcp', 'ssdp urn:dial-multiscreen-org:service:dial:1'),
    ],
    ['a gateway', 'router', hinted('role gateway')],
  ];
  for (const [what, expected, device] of cases) {
    it(`tells ${what}`, () => {
      const guess = guessClass(device);
      assert.equal(guess.name, expected);
      assert.ok(guess.confidence > 0.5 && guess.confidence < 1);
      assert.ok(guess.because.length > 0);
    });
  }

  it('tells a controller and a server by what they offer', () => {
    const plc = new Device(1);
    plc.service(6, 502)!.meet(1);
    assert.equal(guessClass(plc).name, 'controller');
    const server = new Device(2);
    for (let client = 1; client < 40; client++) server.service(6, 443)!.meet(client);
    assert.equal(guessClass(server).name, 'server');
  });

  it('says nothing where it knows nothing', () => {
    assert.deepEqual(guessClass(new Device(1)), { name: 'unknown', confidence: 0, because: [] });
  });
});

describe('PeerGroups', () => {
  /** Devices of a kind: the same applications and sites, in amounts of their own. */
  function devicesOf(kind: number, numbers: readonly number[]): Device[] {
    return numbers.map((number) => {
      const random = seeded(number);
      const device = new Device(number);
      for (let i = 0; i < 6; i++) {
        device.apps.add(kind * 10 + i, 20 + Math.floor(30 * random()));
        device.ports.add(kind * 100 + i, 20 + Math.floor(30 * random()));
        device.sites.add(kind * 1000 + i, 20 + Math.floor(30 * random()));
      }
      for (let hour = 8; hour < 18; hour++) device.hours[hour] = 5 + Math.floor(5 * random());
      return device;
    });
  }
  const sketched = (devices: readonly Device[]): { number: number; sketch: Float64Array }[] =>
    devices.map((device) => ({ number: device.number, sketch: sketchOf(device) }));

  it('puts devices that do alike together, and others apart', () => {
    const clerks = devicesOf(1, [1, 2, 3, 4]);
    const cameras = devicesOf(2, [5, 6, 7]);
    const odd = devicesOf(3, [8, 9]);
    const groups = new PeerGroups();
    groups.assign(sketched([...clerks, ...cameras, ...odd]));
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => groups.groupOf(number));
    assert.deepEqual(numbers, [1, 1, 1, 1, 2, 2, 2, null, null]);
  });

  it('keeps the angle between devices within what 64 dimensions can', () => {
    const [a, b] = sketched(devicesOf(1, [1, 2]));
    const [c] = sketched(devicesOf(2, [3]));
    assert.ok(cosine(a!.sketch, b!.sketch) > 0.85);
    assert.ok(cosine(a!.sketch, c!.sketch) < 0.5);
  });

  it('moves a device after three days in a row, not before', () => {
    const groups = new PeerGroups();
    const clerks = devicesOf(1, [1, 2, 3, 4]);
    const cameras = devicesOf(2, [5, 6, 7]);
    const [turned] = devicesOf(2, [4]);
    const usual = sketched([...clerks, ...cameras]);
    const odd = sketched([...clerks.slice(0, 3), turned!, ...cameras]);
    const days = [usual, odd, odd, usual, odd, odd, odd];
    const where = days.map((day) => {
      groups.assign(day);
      return groups.groupOf(4);
    });
    assert.deepEqual(where, [1, 1, 1, 1, 1, 1, 2]);
  });
});
