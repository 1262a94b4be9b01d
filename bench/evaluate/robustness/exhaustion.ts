import { feed, START_US, type Traffic } from '../../../test/src/support/traffic.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import type { Alarm } from '../../../src/domain/incident.js';
import { seeded } from '../../baselines/random.js';
import { number } from '../words.js';
import type { Experiment } from './experiment.js';
import { ATTACKER, quietOffice } from './worlds.js';

const OFFICE_S = 600;
const FLOOD_FROM_S = 300;
const FLOOD_S = 60;
const VICTIM = '10.0.0.1';
const SEGMENT = '10.0.0.0/8';
const WINDOWS_PER_SECOND = 10;

interface Seen {
  readonly hosts: number;
  readonly provenEvictions: number;
  readonly probationEvictions: number;
  /** Seconds after the flood's begin. */
  readonly scanS: number;
  readonly floodS: number;
}

/** A flood of made-up sources while somebody scans: what is forgotten, and what is still seen. */
export function exhaustion(sources = 100_000): Experiment {
  const calm = seenUnder(0);
  const flood = seenUnder(sources);
  const row = (name: string, seen: Seen): string[] => [
    name,
    String(seen.hosts),
    String(seen.provenEvictions),
    String(seen.probationEvictions),
    `${number(seen.scanS, 1)} s`,
    Number.isNaN(seen.floodS) ? '–' : `${number(seen.floodS, 1)} s`,
  ];
  return {
    title: 'State exhaustion',
    text: `${sources.toLocaleString('en')} SYNs in a minute, each from another made-up source with a record of its own, at a server, while a host scans. Records of so many are the worst case for the judgement: the native core leaves most of them out.`,
    table: {
      head: [
        'world',
        'proven hosts',
        'of them forgotten',
        'made-up ones forgotten',
        'scan told after',
        'flood told after',
      ],
      rows: [row('calm', calm), row('flood', flood)],
      texts: 1,
    },
    plot: null,
  };
}

function seenUnder(sources: number): Seen {
  const traffic = quietOffice(5, OFFICE_S);
  const random = seeded(9);
  for (let i = 0; i < sources; i++) {
    const at = FLOOD_FROM_S + (FLOOD_S * i) / sources;
    const octets = [11 + Math.floor(80 * random()), 256 * random(), 256 * random(), 256 * random()];
    traffic.unanswered({ at, from: octets.map(Math.floor).join('.'), to: VICTIM, port: 80 });
  }
  if (sources > 0) addSketches(traffic, Math.round(sources / FLOOD_S / WINDOWS_PER_SECOND));
  for (let i = 0; i < 40; i++) {
    const at = FLOOD_FROM_S + 20 + i / 4;
    traffic.unanswered({ at, from: ATTACKER, to: `10.0.1.${i}`, port: 445 });
  }
  const alarms: Alarm[] = [];
  const pipeline = new ShardPipeline(
    { shard: 0, shards: 1 },
    { alarm: (alarm) => alarms.push(alarm) },
  );
  feed(traffic, pipeline);
  const after = (addresses: readonly string[]): number => {
    const alarm = alarms.find(({ entity }) => addresses.includes(entity.address));
    return alarm === undefined ? NaN : (alarm.timeUs - START_US) / 1e6 - FLOOD_FROM_S;
  };
  const { entities, provenEvictions, probationEvictions } = pipeline.stats;
  return {
    hosts: entities,
    provenEvictions,
    probationEvictions,
    scanS: after([ATTACKER]),
    floodS: after([VICTIM, SEGMENT]),
  };
}

/** What the core counts for the victim in each tenth of a second. */
function addSketches(traffic: Traffic, syns: number): void {
  for (let i = 0; i < FLOOD_S * WINDOWS_PER_SECOND; i++) {
    const counts = { syn_in: syns, syn_ack_out: syns, ack_in: 1, packets_in: syns };
    const top = { address: VICTIM, ...counts, sources: syns };
    const at = FLOOD_FROM_S + (i + 1) / WINDOWS_PER_SECOND;
    traffic.window(at, { ...counts, new_sources: syns }, [top]);
  }
}
