import type { EntityRef } from '../domain/entity.js';
import type { FeatureShare, Stage } from '../domain/evidence.js';
import type { Incident } from '../domain/incident.js';
import { LANE_INDEX, LANES, type LaneId } from '../domain/lanes.js';

/** "41,523"; three significant digits below 100, none after the point above. */
export function plainNumber(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(1);
  const text = size < 100 ? String(Number(value.toPrecision(3))) : value.toFixed(0);
  return text.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "1 flow", "1,204 flows". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${plainNumber(n)} ${n === 1 ? one : many}`;
}

/** "28.4 MB", in powers of ten as storage and links are sold. */
export function plainBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let step = 0;
  while (bytes >= 999.5 && step < units.length - 1) {
    bytes /= 1000;
    step++;
  }
  return `${plainNumber(step === 0 ? bytes : Number(bytes.toPrecision(3)))} ${units[step]}`;
}

/** A probability for people: never rounded up to certainty. */
export function plainPercent(share: number): string {
  const percent = share * 100;
  if (percent > 99.9) return '> 99.9 %';
  if (percent >= 99) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  if (percent > 0 && percent < 1) return '< 1 %';
  return `${Math.floor(percent)} %`;
}

/** "a, b and c", or "a, b and 7 more". */
export function joined(items: readonly string[], most = Infinity): string {
  if (items.length > most) {
    return `${items.slice(0, most - 1).join(', ')} and ${items.length - most + 1} more`;
  }
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

export function laneTitle(lane: LaneId): string {
  return LANES[LANE_INDEX[lane]]?.title ?? lane;
}

/** What happened, in as few words as there are: the titles of its detectors. */
export function incidentTitle(incident: Incident): string {
  return joined(incident.detectors.map(laneTitle), 3) || 'unusual behaviour';
}

const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  recon: 'looking around for targets',
  initial: 'getting a first foothold',
  c2: 'talking to a controller',
  cred: 'going after passwords and identities',
  lateral: 'moving to other machines',
  collect: 'gathering data',
  exfil: 'taking data out',
  impact: 'disturbing or destroying',
};

export function stageWords(stage: Stage): string {
  return STAGE_WORDS[stage];
}

/** Whose normal an observation was compared with, and on how many observations that rests. */
export function scopeWords(share: FeatureShare): string {
  const words = { self: 'own past', group: 'peers', default: 'default' }[share.scope];
  return share.nRef > 0 ? `${words} (${plainNumber(share.nRef)})` : words;
}

export function entityWords(entity: EntityRef): string {
  const kind = {
    device: 'a device of this network',
    external: 'a host outside of this network',
    segment: 'a segment of this network',
    service: 'a service of this network',
  }[entity.kind];
  return entity.proven ? kind : `${kind}, never seen to answer: the address may be forged`;
}
