import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceRecord } from '../../../src/domain/device.js';
import { PROJECT } from '../support/project.js';
import { thymus } from '../support/thymus.js';

const OFFICE_DAY = join(PROJECT, 'pcaps', 'office_day.pcap.gz');

describe('thymus devices', function () {
  this.timeout(30_000);
  let folder: string;
  let devices: DeviceRecord[];
  const kept = async (...args: string[]): Promise<DeviceRecord[]> => {
    const { code, err } = await thymus([
      ...['replay', '--quiet', '--state', folder, '--store', 'devices'],
      ...args,
      OFFICE_DAY,
    ]);
    assert.equal(code, 0, err);
    const { out } = await thymus(['devices', '--state', folder, '--json']);
    const lines = out.trim().split('\n');
    return lines.map((line) => JSON.parse(line) as DeviceRecord);
  };
  const at = (address: string): DeviceRecord =>
    devices.find(({ leases }) => leases.some((lease) => lease.address === address))!;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-devices-'));
    devices = await kept();
  });
  after(() => rmSync(folder, { recursive: true }));

  it('know hosts of the segment by their hardware address, and those behind it by theirs', () => {
    assert.equal(at('10.20.0.53').id, 'mac 00:16:3e:14:00:35');
    const branch = devices.find(({ id }) => id === 'ip 10.20.1.10')!;
    assert.deepEqual(branch.leases, []);
    assert.ok(!devices.some(({ id }) => id.includes('192.0.2.')));
  });

  it('know the laptop that joins by DHCP, with its made-up address and its lease', () => {
    const laptop = at('10.20.0.179');
    assert.equal(laptop.kind, 'dhcp');
    assert.deepEqual(laptop.names, ['laptop-7']);
    assert.ok(laptop.identities.includes('random mac 06:5b:1c:a9:3e:77'));
    const lease = laptop.leases.find(({ address }) => address === '10.20.0.179')!;
    assert.equal(lease.untilUs! - lease.fromUs, 7200e6);
  });

  it('say what each offers, to how many, and what it seems to be', () => {
    const names = at('10.20.0.53').services.find(({ port }) => port === 53)!;
    assert.deepEqual([names.protocol, names.app, names.clients], [17, 'dns', 10]);
    assert.equal(at('10.20.0.53').class, 'server');
    assert.equal(at('10.20.0.1').class, 'router');
    assert.equal(at('10.20.0.101').class, 'computer');
  });

  it('put the PCs into one group of peers', () => {
    const groups = [1, 2, 3, 4, 5, 6].map((pc) => at(`10.20.0.10${pc}`).group);
    assert.ok(groups[0] !== null);
    assert.equal(new Set(groups).size, 1);
  });

  it('are the same for any number of lanes and shards', async () => {
    assert.deepEqual(await kept('--lanes', '3', '--shards', '2'), devices);
  });

  it('go on from a model, and are handed on by runs that keep none', async () => {
    const [first, second] = [join(folder, 'first.model'), join(folder, 'second.model')];
    await kept('--save-model', first);
    const scan = join(PROJECT, 'pcaps', 'horizontal_scan.pcap.gz');
    const on = ['replay', '--quiet', '--model', first, '--save-model', second];
    await thymus([...on, '--no-store', scan]);
    await thymus([
      ...['replay', '--quiet', '--state', folder, '--store', 'devices', '--model', second],
      join(PROJECT, 'pcaps', 'vertical_scan.pcap.gz'),
    ]);
    const { out } = await thymus(['devices', '--state', folder, '--json', 'laptop-7']);
    const laptop = JSON.parse(out) as DeviceRecord;
    const before = devices.find(({ names }) => names.includes('laptop-7'))!;
    assert.deepEqual(laptop.identities, before.identities);
    assert.equal(laptop.firstSeenUs, before.firstSeenUs);
  });

  it('are told as a table and one by one', async () => {
    const table = await thymus(['devices', '--state', folder]);
    assert.match(table.out, /^\d+ devices in run /);
    assert.match(table.out, /10\.20\.0\.1 .* router/);
    const one = await thymus(['devices', '--state', folder, 'laptop-7']);
    assert.match(one.out, /Called {5}laptop-7\n/);
    const none = await thymus(['devices', '--state', folder, '10.9.9.9']);
    assert.equal(none.code, 2);
    assert.match(none.err, /saw no device '10\.9\.9\.9'/);
  });

  it('say so when a run kept none', async () => {
    await thymus(['replay', '--quiet', '--state', folder, OFFICE_DAY]);
    const { code, err } = await thymus(['devices', '--state', folder]);
    assert.equal(code, 2);
    assert.match(err, /has no inventory: it was made without '--store devices'/);
  });
});
