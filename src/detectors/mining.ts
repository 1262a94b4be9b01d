import { formatAddress } from '../batch/address.js';
import { APP_NAMES } from '../batch/generated/names.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { SCORE_POOL_INDEX } from '../models/score_pools.js';
import type { Detector, DetectorContext } from './detector.js';
import { lasting } from './words.js';

/**
 * D15, crypto-mining. ATT&CK T1496.
 *
 * Method: (a) the recogniser names a mining protocol. A session with text in both directions that
 * goes on for a minute, or in which both sides have sent a log-in's messages and more, is stratum,
 * JSON whose verbs nobody else uses, and a hard fact of 21 nats: its base rate is taken to be one
 * device in 50,000 that mines with permission or speaks a JSON protocol whose log-in looks the
 * same, once in its life. Anything else of that name, such as a node of a coin's own network, is
 * worth 9. A device is told once. (b) Encrypted: a flow to the outside that is half an hour old is
 * scored by how close its rates and sizes come to shares handed in and jobs handed out, and ranked
 * among all flows of the network that grow as old; each flow once.
 *
 * Memory: 0.2 kB an entity that has such flows. Cold start: none for (a), 20 old flows of the network
 * for (b). Evasion: a proxy that repacks, for which (b) and beacon are left.
 */
export interface MiningOptions {
  /** Nats of a session of stratum, and of another flow that is named mining. */
  readonly lnSession: number;
  readonly lnNamed: number;
  /** Time after which text is a session, and after which unnamed flows are old, us. */
  readonly sessionUs: number;
  readonly oldUs: number;
  /** Messages of each side after which text is a session, too: log-in, its answers and a job. */
  readonly messagesLeast: number;
  /** Old flows remembered per entity. */
  readonly flowsMost: number;
}

export const MINING_DEFAULTS: MiningOptions = {
  lnSession: 21,
  lnNamed: 9,
  sessionUs: 60e6,
  oldUs: 1800e6,
  messagesLeast: 3,
  flowsMost: 64,
};

const LANE = LANE_INDEX.mining;
const POOL = SCORE_POOL_INDEX.old_flow;
const TCP = 6;
const MINING: ReadonlySet<number> = new Set(
  APP_NAMES.flatMap((name, app) => (name === 'mining' ? [app] : [])),
);

/** Share of printable bytes, times 254, from which on it is text. */
const TEXT_LEAST = 240;
const ABSENT = 255;

/** A miner's flow: bytes a minute and of a message, handing in shares and being handed jobs. */
const SHARES_PER_MINUTE = 600;
const JOBS_PER_MINUTE = 2500;
const SHARE_BYTES = 250;
const JOB_BYTES = 800;
const SEGMENTS = 12;
const MINUTE_US = 60e6;

class MiningState implements EntityState {
  /** What the device was already told for, nats. */
  told = 0;
  readonly judged: KeySet;
  headline = '';

  constructor(flowsMost: number) {
    this.judged = new KeySet(flowsMost);
  }

  recycle(): boolean {
    return false;
  }
}

class MiningDetector implements Detector {
  readonly name = 'mining';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['mining'];
  readonly #slot: number;
  readonly #options: MiningOptions;

  constructor(slot: number, options: MiningOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (row.protocol !== TCP || !(row.event & (FlowEvents.UPDATE | FlowEvents.END))) return;
    if (!(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.roles & FlowRoles.RESPONDER_INTERNAL) return;
    if (row.flags & FlowFlags.ORIGINATOR_GUESSED || row.respPayload === 0) return;
    const age = row.tsLastUs - row.tsFirstUs;
    if (MINING.has(row.app)) this.#judgeNamed(row, age, { entity, context });
    else if (age >= this.#options.oldUs) this.#judgeOld(row, { entity, context });
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as MiningState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { told, judged, headline } = entity.slots[this.#slot] as MiningState;
    out.f64(told);
    judged.save(out);
    out.text(headline);
  }

  /** What was told goes with the wealth that it brought, and an earlier run has other flows. */
  restoreEntity(entity: Entity, from: StateReader): void {
    if (from.shiftUs !== 0) return;
    const state = this.#stateOf(entity);
    state.told = from.f64();
    state.judged.restore(from);
    state.headline = from.text();
  }

  #judgeNamed(row: FlowRowView, age: number, { entity, context }: Judged): void {
    const { lnSession, lnNamed, sessionUs, messagesLeast } = this.#options;
    const isLong = age >= sessionUs || messagesOf(row) >= messagesLeast;
    const isSession = isLong && isText(row.origPrintable) && isText(row.respPrintable);
    const worth = isSession ? lnSession : lnNamed;
    const state = this.#stateOf(entity);
    if (worth <= state.told) return;
    const lnE = worth - state.told;
    state.told = worth;
    const what = isSession ? 'spoke a mining protocol' : 'used what is named a mining protocol';
    this.#bet({ row, lnE, what, entity, context });
  }

  #judgeOld(row: FlowRowView, { entity, context }: Judged): void {
    const state = this.#stateOf(entity);
    if (!state.judged.add(pairKey(row.flowIdLow, row.flowIdHigh))) return;
    const { scores } = context.population;
    const likeness = likenessOf(row);
    const lnE = scores.lnERank(POOL, likeness);
    if (context.isClean(entity)) {
      context.population.contributeScore(entity.key, POOL, likeness);
    }
    if (lnE !== 0) this.#bet({ row, lnE, what: 'exchanged what miners do', entity, context });
  }

  #bet({ row, lnE, what, entity, context }: Bet): void {
    if (!context.bet(entity, LANE, lnE)) return;
    const address = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
    const minutes = lasting(row.tsLastUs - row.tsFirstUs);
    const reason = `${what} with ${address} port ${row.respPort} for ${minutes}`;
    this.#stateOf(entity).headline = reason;
    context.explain(entity, LANE, {
      other: address,
      t0Us: row.tsFirstUs,
      lnE,
      p: pOfLnE(lnE),
      reason,
      features: [
        {
          feature: 'minutes of a flow that is like mining',
          observed: (row.tsLastUs - row.tsFirstUs) / MINUTE_US,
          expectedMedian: 0,
          expectedP99: 0,
          scope: 'default',
          lnEShare: lnE,
          nRef: context.population.scores.size(POOL),
        },
      ],
      flows: [context.flowRef()],
    });
  }

  #stateOf(entity: Entity): MiningState {
    return (entity.slots[this.#slot] ??= new MiningState(this.#options.flowsMost)) as MiningState;
  }
}

interface Judged {
  readonly entity: Entity;
  readonly context: DetectorContext;
}

interface Bet extends Judged {
  readonly row: FlowRowView;
  readonly lnE: number;
  readonly what: string;
}

export function createMiningDetector(slot: number, options: Partial<MiningOptions> = {}): Detector {
  return new MiningDetector(slot, { ...MINING_DEFAULTS, ...options });
}

const isText = (printable: number): boolean => printable >= TEXT_LEAST && printable !== ABSENT;

/** How close an old flow comes to a miner's: 0 is exact, each factor e away costs 1. */
function likenessOf(row: FlowRowView): number {
  const minutes = (row.tsLastUs - row.tsFirstUs) / MINUTE_US;
  const away = (x: number, typical: number): number => Math.abs(Math.log((x + 1) / typical));
  return -(
    away(row.origPayload / minutes, SHARES_PER_MINUTE) +
    away(row.respPayload / minutes, JOBS_PER_MINUTE) +
    away(meanSegment(row, 1), SHARE_BYTES) +
    away(meanSegment(row, -1), JOB_BYTES)
  );
}

/** Of the side that has sent fewer, among the first of the flow. */
function messagesOf(row: FlowRowView): number {
  let [up, down] = [0, 0];
  for (let i = 0; i < SEGMENTS; i++) {
    if (row.segmentBytes(i) > 0) up++;
    else if (row.segmentBytes(i) < 0) down++;
  }
  return Math.min(up, down);
}

function meanSegment(row: FlowRowView, sign: number): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < SEGMENTS; i++) {
    const bytes = row.segmentBytes(i) * sign;
    if (bytes <= 0) continue;
    sum += bytes;
    n++;
  }
  return n === 0 ? 0 : sum / n;
}
