import { LANE_INDEX, LANE_WEIGHTS, LANES, type LaneId } from '../../src/domain/lanes.js';
import { tickOf } from '../../src/domain/tick.js';
import type { Incident } from '../../src/domain/incident.js';
import type { LearnedState } from '../../src/domain/learned_state.js';
import type { TickWealth } from '../../src/fusion/fusion.js';
import type { Baseline, EndedFlow } from '../baselines/baseline.js';
import { FastNetMon } from '../baselines/fast_net_mon.js';
import { Kitsune } from '../baselines/kitsune.js';
import { Rita } from '../baselines/rita.js';
import { Slips } from '../baselines/slips.js';
import { ZScore } from '../baselines/z_score.js';
import { INSIDE, isUnicast } from './address.js';
import { tickKey, type LabelledCapture, type LabelledIncident } from './data_set.js';
import { runEngine } from './engine_run.js';
import { judgeIncidents, shareGap, type CaptureOutcomes } from './incidents.js';
import { countPackets, packetsOf } from './packets.js';
import { TickScores } from './score_sheet.js';

/** Methods that score every unit: the fusion, the baselines, and each lane by itself. */
export const FUSED = 'thymus';
export const BASELINES: Readonly<Record<string, (trainPackets: number) => Baseline>> = {
  Kitsune: (trainPackets) => new Kitsune(trainPackets),
  'z-score': () => new ZScore(),
  RITA: () => new Rita(),
  Slips: () => new Slips(),
  FastNetMon: () => new FastNetMon(),
};
export const BUILT_LANES: readonly LaneId[] = LANES.filter(({ built }) => built).map(
  ({ id }) => id,
);
export const METHODS: readonly string[] = [FUSED, ...Object.keys(BASELINES), ...BUILT_LANES];

const LN_WEIGHTS = LANE_WEIGHTS.map(Math.log);
/**
 * A score is ln of a lane's wealth by what was staked on it since that was last gone, which nothing
 * lets grow but evidence; that of a host is its strongest lane's. Of whom nothing is said: 0.
 */
const NOTHING_SAID = 0;
/** Wealth stands for as long as an alarm stays open when nothing more is said. */
const WEALTH_STANDS_TICKS = 120;
/** Packets that Kitsune learns from and judges, at most: it takes 0.1 ms for one. */
const KITSUNE_PACKETS_MOST = 150_000;
/** Where a capture has no attack, Kitsune learns from this share of it. */
const BENIGN_TRAIN_SHARE = 0.5;

/** An address in a tick in which it was active. */
export interface Unit {
  readonly address: string;
  readonly tick: number;
  /** The attack that it is part of; null when it is benign. */
  readonly attack: LabelledIncident | null;
  /** In the order of METHODS. */
  readonly scores: Float64Array;
}

/** What came of one capture. */
export interface CaptureResult extends CaptureOutcomes {
  readonly capture: LabelledCapture;
  readonly units: readonly Unit[];
  readonly incidents: readonly Incident[];
  readonly shareGap: number;
  /** Of methods that alarm by themselves: attacks that they found, and false alarms. */
  readonly alarms: ReadonlyMap<string, { readonly found: number; readonly falses: number }>;
  readonly packets: number;
}

export interface JudgeOptions {
  readonly withBaselines: boolean;
  /** What thymus has learned before; null: nothing. */
  readonly history: LearnedState | null;
}

export async function judgeCapture(
  capture: LabelledCapture,
  { withBaselines, history }: JudgeOptions,
): Promise<CaptureResult> {
  const sheets = new Map(METHODS.map((method) => [method, new TickScores()]));
  const onTick = (tick: number, entities: readonly TickWealth[]): void => {
    for (const { entity, lanes } of entities) {
      let strongest = NOTHING_SAID;
      for (const { lane, lnWealth, ticksRunning } of lanes) {
        const score = lnWealth - LN_WEIGHTS[LANE_INDEX[lane]]! - Math.log(ticksRunning);
        if (strongest === NOTHING_SAID || score > strongest) strongest = score;
        sheets.get(lane)!.raiseTick(entity.address, tick, score);
      }
      sheets.get(FUSED)!.raiseTick(entity.address, tick, strongest);
    }
  };
  const run = await runEngine(capture.path, { history, onTick });
  const walk = new PacketWalk(capture);
  const baselines = withBaselines ? createBaselines(capture) : new Map<string, Baseline>();
  walk.run(baselines, sheets, run.flows);
  const units = walk.units(sheets);
  const alarms = new Map<string, { found: number; falses: number }>();
  for (const [name, { alarmFrom }] of baselines) {
    if (alarmFrom === null) continue;
    alarms.set(name, countAlarms(capture, sheets.get(name)!.reaching(alarmFrom), units));
  }
  const judged = judgeIncidents(capture, run.incidents, walk.attackTimesUs);
  return {
    capture,
    ...judged,
    units,
    incidents: run.incidents,
    shareGap: shareGap(run.incidents),
    alarms,
    packets: walk.packets,
  };
}

function createBaselines(capture: LabelledCapture): Map<string, Baseline> {
  const onsetUs = Math.min(...capture.incidents.map((incident) => incident.onsetUs));
  const { before, all } = countPackets(capture.path, onsetUs);
  const most = Math.min(all, KITSUNE_PACKETS_MOST);
  const train = Number.isFinite(onsetUs) ? Math.min(before, most) : BENIGN_TRAIN_SHARE * most;
  return new Map(Object.entries(BASELINES).map(([name, make]) => [name, make(Math.floor(train))]));
}

/** One walk over the packets of a capture: baselines, and who was active when. */
class PacketWalk {
  readonly attackTimesUs: number[] = [];
  packets = 0;
  readonly #capture: LabelledCapture;
  /** Addresses that sent something by themselves; what is only asked for is no host. */
  readonly #senders = new Set<string>();
  readonly #active = new Map<string, readonly [address: string, tick: number]>();

  constructor(capture: LabelledCapture) {
    this.#capture = capture;
  }

  run(
    baselines: ReadonlyMap<string, Baseline>,
    sheets: ReadonlyMap<string, TickScores>,
    flows: readonly EndedFlow[],
  ): void {
    let nextFlow = 0;
    const passFlows = (untilUs: number): void => {
      for (; nextFlow < flows.length && flows[nextFlow]!.endUs <= untilUs; nextFlow++) {
        for (const [name, baseline] of baselines) {
          baseline.onFlow?.(flows[nextFlow]!, sheets.get(name)!);
        }
      }
    };
    for (const packet of packetsOf(this.#capture.path)) {
      const isAttack = this.#capture.isAttack(this.packets);
      passFlows(packet.timeUs);
      for (const [name, baseline] of baselines) {
        if (name === 'Kitsune' && this.packets >= KITSUNE_PACKETS_MOST) continue;
        baseline.onPacket?.(packet, sheets.get(name)!);
      }
      if (isAttack) this.attackTimesUs.push(packet.timeUs);
      const tick = tickOf(packet.timeUs);
      // Sources that an attack has made up are nobody.
      const isForged = isAttack && !this.#capture.hosts.has(packet.source);
      if (!isForged) this.#see(packet.source, tick, true);
      this.#see(packet.destination, tick, false);
      this.packets++;
    }
    passFlows(Infinity);
    for (const [name, baseline] of baselines) baseline.onEnd?.(sheets.get(name)!);
  }

  units(sheets: ReadonlyMap<string, TickScores>): Unit[] {
    const { capture, units } = { capture: this.#capture, units: [] as Unit[] };
    const endOf = lastAffectedTicks(capture);
    for (const [key, [address, tick]] of this.#active) {
      if (!this.#senders.has(address)) continue;
      const label = capture.ticks.get(key);
      const isForged = label !== undefined && label.incident.attackers.length === 0;
      const isAttack = label?.role === 'attacker' || (label !== undefined && isForged);
      // Wealth and thresholds outlast an attack: what was in one counts neither way after it.
      if (!isAttack && (label !== undefined || tick > (endOf.get(address) ?? Infinity))) continue;
      const scores = Float64Array.from(METHODS, (method) => {
        const sheet = sheets.get(method)!;
        if (method in BASELINES) return sheet.at(address, tick);
        const absent = NOTHING_SAID;
        return sheet.standing(address, tick, { ticksMost: WEALTH_STANDS_TICKS, absent });
      });
      units.push({ address, tick, attack: isAttack ? label.incident : null, scores });
    }
    return units;
  }

  #see(address: string, tick: number, isSender: boolean): void {
    if (!isUnicast(address)) return;
    if (!INSIDE.has(address) && !this.#capture.hosts.has(address)) return;
    if (isSender) this.#senders.add(address);
    const key = tickKey(address, tick);
    if (!this.#active.has(key)) this.#active.set(key, [address, tick]);
  }
}

/** The last tick in which each address had to do with an attack. */
function lastAffectedTicks(capture: LabelledCapture): Map<string, number> {
  const last = new Map<string, number>();
  for (const key of capture.ticks.keys()) {
    const [address, tick] = key.split(' ') as [string, string];
    last.set(address, Math.max(last.get(address) ?? 0, Number(tick)));
  }
  return last;
}

/** Of a method with a threshold: attacks found, and hosts that it accuses for nothing. */
function countAlarms(
  capture: LabelledCapture,
  reached: ReadonlyMap<string, readonly number[]>,
  units: readonly Unit[],
): { found: number; falses: number } {
  const found = new Set<string>();
  const falses = new Set<string>();
  for (const { address, tick, attack } of units) {
    if (reached.get(address)?.includes(tick) !== true) continue;
    if (attack !== null) found.add(attack.id);
    else if (!capture.ticks.has(tickKey(address, tick))) falses.add(address);
  }
  return { found: found.size, falses: falses.size };
}
