import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endsOf } from '../../bench/lab/data_set/frame_ends.js';
import type { CaptureLine, LabelLine } from '../../bench/lab/data_set/lines.js';
import { DataSet } from '../../bench/lab/data_set/store.js';
import { frameOf, type Packet } from '../../bench/lab/pcap_file.js';
import { tickOf } from '../../src/domain/tick.js';

const SCRIPT = fileURLToPath(new URL('../../../bench/lab/data_set.sh', import.meta.url));
const LIMIT_MS = 240_000;
const NAME = 'scan_vertical-nmap-x1-s1';
const [ATTACKER, VICTIM] = ['10.20.0.105', '10.20.0.30'];
const NONE = ['--sessions', '0', '--days', '0', '--overlays', '0', '--repeats', '1'];

describe('npm run lab', function () {
  this.timeout(LIMIT_MS);
  let folder: string;
  let set: DataSet;
  let packets: Packet[];
  let labels: LabelLine[];

  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'thymus-lab-test-'));
    const only = ['--only', '^scan_vertical-nmap$', '--intensity', '1', ...NONE];
    const run = spawnSync('bash', [SCRIPT, '--out', folder, ...only], {
      encoding: 'utf8',
      timeout: LIMIT_MS,
    });
    const why = /The lab (?:needs|makes) .*/.exec(run.stderr)?.[0];
    if (why !== undefined) {
      console.log(`    skipped: ${why}`);
      this.skip();
    }
    assert.equal(run.status, 0, run.stderr);
    set = new DataSet(folder);
    packets = set.packets(NAME);
    labels = set.labels(NAME);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const of = <Line extends LabelLine['line']>(line: Line): Extract<LabelLine, { line: Line }>[] =>
    labels.filter((each): each is Extract<LabelLine, { line: Line }> => each.line === line);
  const ownPositions = (): Set<number> => {
    const ranges = of('packets').flatMap((line) => line.ranges);
    return new Set(
      ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      ),
    );
  };

  it('writes the capture that its index tells of', () => {
    const line: CaptureLine = set.line(NAME);
    const packed = readFileSync(join(folder, `${NAME}.pcap.gz`));
    assert.equal(createHash('sha256').update(packed).digest('hex'), line.sha256);
    assert.deepEqual(
      [line.packets, line.firstPacketUs, line.lastPacketUs, line.origin, line.split],
      [packets.length, packets[0]!.timeUs, packets.at(-1)!.timeUs, 'recorded', 'tune'],
    );
    assert.equal(of('host').filter(({ kind }) => kind !== 'outside').length, line.devices);
  });

  it('labels the packets between the attacker and the victim that the tool made', () => {
    const own = ownPositions();
    const [incident] = of('incident');
    assert.equal(own.size, incident!.packets);
    assert.ok(incident!.contacts > 200, `${incident!.contacts} ports were tried`);
    packets.forEach((packet, i) => {
      const { source, destination, tuple } = endsOf(frameOf(packet));
      const isPair = [source, destination].sort().join() === [ATTACKER, VICTIM].join();
      assert.equal(own.has(i), isPair && tuple.split(' ').includes('40000'), tuple);
    });
  });

  it('has the office at work before and after', () => {
    const { onsetUs, endUs } = of('incident')[0]!;
    assert.ok(onsetUs - packets[0]!.timeUs > 10e6);
    assert.ok(packets.at(-1)!.timeUs - endUs > 2e6);
  });

  it('counts the packets of the attacker tick by tick', () => {
    const counts = new Map<number, number>();
    for (const position of ownPositions()) {
      const packet = packets[position]!;
      if (endsOf(frameOf(packet)).source !== ATTACKER) continue;
      const tick = tickOf(packet.timeUs);
      counts.set(tick, (counts.get(tick) ?? 0) + 1);
    }
    const told = of('tick')
      .filter(({ role }) => role === 'attacker')
      .map(({ tick, entity, packets: n }) => [tick, entity, n]);
    assert.deepEqual(
      told,
      [...counts].map(([tick, n]) => [tick, ATTACKER, n]),
    );
  });

  it('does not record again what is there', () => {
    const only = ['--only', '^scan_vertical-nmap$', '--intensity', '1', ...NONE];
    const startMs = Date.now();
    const run = spawnSync('bash', [SCRIPT, '--out', folder, ...only], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /1 captures are in/);
    assert.ok(Date.now() - startMs < 60_000);
  });
});
