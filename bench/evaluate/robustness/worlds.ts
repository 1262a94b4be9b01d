import type { Alarm } from '../../../src/domain/incident.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import { feed, START_US, Traffic } from '../../../test/src/support/traffic.js';
import { seeded } from '../../baselines/random.js';

export const DAY_S = 86_400;
export const ATTACKER = '10.0.0.9';
const GAP_S = 240;

/**
 * A quiet office of records: eight hosts, the attacker's among them, look at a dozen sites, ask for
 * their names, and use a server; each about once in four minutes.
 */
export function quietOffice(seed: number, seconds: number): Traffic {
  const random = seeded(seed);
  const normal = normals(random);
  const traffic = new Traffic();
  for (let host = 2; host <= 9; host++) {
    const from = `10.0.0.${host}`;
    for (let at = GAP_S * random(); at < seconds; at += -GAP_S * Math.log(1 - random())) {
      const site = Math.floor(12 * random() ** 2);
      const flow = { at, from, to: `203.0.113.${site}`, port: 443 };
      const size = { up: Math.exp(8 + normal()), down: Math.exp(10 + normal()), lasts: 2 };
      if (random() < 0.02) traffic.unanswered(flow);
      else if (random() < 0.15) traffic.connect({ ...flow, to: '10.0.0.1', port: 445 }, size);
      else traffic.connect(flow, { ...size, fields: { nameHash: 1 + site } });
      if (random() < 0.2) traffic.resolve({ at, from }, `${SITES[site]!}.example`);
    }
  }
  return traffic;
}

const SITES = 'news mail weather maps bank shop music photos travel recipes forum library'.split(
  ' ',
);

export function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Seconds after the world's begin at which the attacker alarmed; null: never. */
export function alarmOfAttacker(traffic: Traffic): number | null {
  let at: number | null = null;
  const alarm = ({ entity, timeUs }: Alarm): void => {
    if (entity.address === ATTACKER) at ??= (timeUs - START_US) / 1e6;
  };
  feed(traffic, new ShardPipeline({ shard: 0, shards: 1 }, { alarm }));
  return at;
}
