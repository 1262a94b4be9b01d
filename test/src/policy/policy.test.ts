import assert from 'node:assert/strict';
import type { Proposal } from '../../../src/domain/action.js';
import { NO_RESPONSE_STATE, type ResponsePolicy } from '../../../src/domain/decision.js';
import type { Incident } from '../../../src/domain/incident.js';
import { LANES, type LaneId } from '../../../src/domain/lanes.js';
import { addressesOf } from '../../../src/domain/measure.js';
import { TrafficHistory } from '../../../src/models/traffic_history.js';
import { decide } from '../../../src/policy/decide.js';
import { Policy } from '../../../src/policy/policy.js';
import { isInternal, seeded } from '../support/traffic.js';
import {
  again,
  entityOf,
  incidentOf,
  learn,
  POLICY,
  type Accusation,
  type Talk,
} from './worlds.js';

const HOUR = 3600;
const SPAN_S = 3 * HOUR;
const PC = '10.0.0.5';
const FILES = '10.0.0.20';
const OUTSIDE = '198.51.100.7';
const ROUTER_MAC = '020000000001';
const macOf = (host: number): string => `0200000001${host.toString(16).padStart(2, '0')}`;
/** Short histories are enough for tests. */
const LENIENT: ResponsePolicy = {
  ...POLICY,
  gates: { ...POLICY.gates, historySecondsLeast: HOUR, deviceShareMost: 0.2, fleetShareMost: 0.1 },
};

/** An office of twenty hosts at work for three hours. */
function office(): TrafficHistory {
  const history = new TrafficHistory();
  const talks: Talk[] = [];
  for (let i = 1; i < 20; i++) {
    const from = `10.0.0.${i}`;
    const own = macOf(i);
    talks.push(
      ...again({ at: i, from, to: FILES, port: 445, macs: [own, macOf(20)] }, 300, SPAN_S),
      ...again({ at: i + 0.5, from, to: OUTSIDE, port: 443, macs: [own, ROUTER_MAC] }, 600, SPAN_S),
    );
  }
  learn(history, talks);
  return history;
}

describe('Policy', function () {
  this.timeout(60_000);
  const history = office();
  const answer = (incident: Incident, policy: ResponsePolicy = LENIENT): Proposal | null =>
    new Policy(policy).decide(incident, {
      history,
      state: NO_RESPONSE_STATE,
      earlierProposals: 0,
      nowUs: incident.lastSeenUs,
      isInternal,
    });
  const told = (proposal: Proposal | null): string => {
    if (proposal === null) return 'nothing';
    const { chosen, unattended } = proposal;
    return `${chosen.measure.kind}, ${unattended ? 'at once' : 'asked'}`;
  };
  const of = (...accusations: Accusation[]): Incident => incidentOf(accusations, SPAN_S);
  const pc = entityOf(PC);
  const own = { station: macOf(5) };

  it('holds a scanner to its pattern of life, and blocks one that knocks on one door', () => {
    const scanned = Array.from({ length: 8 }, (_, i) => ({
      ...own,
      respIp: `10.0.9.${i}`,
      respPort: 445,
    }));
    const sweep = scanned.map((flow): Accusation => {
      return { lane: 'scan_horizontal', entity: pc, flows: [flow], lnE: 3 };
    });
    const moved = {
      lane: 'lateral',
      entity: pc,
      lnE: 5,
      flows: [{ ...own, respIp: '10.0.9.1', respPort: 445 }],
    } as const;
    assert.equal(told(answer(of(...sweep, moved))), 'hold_pattern, at once');
    const ports = scanned.map((_, i): Accusation => {
      const flows = [{ ...own, respIp: '10.0.0.9', respPort: 1000 + i }];
      return { lane: 'scan_vertical', entity: pc, flows, lnE: 3 };
    });
    const proposal = answer(of(...ports));
    assert.equal(told(proposal), 'block_edge, asked');
    assert.deepEqual(proposal!.chosen.measure, {
      kind: 'block_edge',
      edge: { from: PC, to: '10.0.0.9', protocol: 'any', port: null },
    });
  });

  it('blocks who guesses passwords from outside, at no cost to others', () => {
    const guesser = entityOf('203.0.113.66');
    const flows = [{ respIp: FILES, respPort: 22, isAnswered: true }] as const;
    const proposal = answer(
      of(
        { lane: 'brute_force', entity: guesser, flows },
        { lane: 'scan_vertical', entity: guesser, flows, lnE: 5 },
      ),
    );
    assert.match(told(proposal), /^block_(edge|external), at once$/);
    assert.equal(proposal!.chosen.impact.bytesShare, 0);
  });

  it('holds nobody to a pattern of which what it does is a part', () => {
    const flows = [{ ...own, respIp: OUTSIDE, respPort: 443, isAnswered: true }] as const;
    const proposal = answer(of({ lane: 'brute_force', entity: pc, flows }));
    assert.equal(told(proposal), 'block_edge, asked');
    const kinds = proposal!.alternatives.map(({ measure }) => measure.kind);
    assert.ok(!kinds.includes('hold_pattern'), kinds.join());
  });

  it('limits sources at the victim of a flood, with one family of evidence', () => {
    const victim = entityOf(FILES);
    const incident = of({ lane: 'syn_flood', entity: victim });
    const busiest = { ...LENIENT, zones: [{ where: FILES, mode: 'auto' }] } as const;
    const proposal = answer(incident, busiest);
    assert.equal(proposal!.chosen.measure.kind, 'limit_sources');
    // Most others call it, so that a person is asked all the same.
    assert.deepEqual(
      proposal!.gates.filter(({ passed }) => !passed).map(({ name }) => name),
      ['protected'],
    );
    const other = answer(of({ lane: 'syn_flood', entity: pc }));
    assert.match(told(other), /^limit_sources/);
  });

  it('blocks where data goes to, for the device or for all', () => {
    const flows = [{ ...own, respIp: '192.0.2.66', respPort: 443, isAnswered: true }] as const;
    const proposal = answer(
      of(
        { lane: 'exfiltration', entity: pc, flows },
        { lane: 'beacon', entity: pc, flows, lnE: 10 },
      ),
    );
    assert.match(told(proposal), /^(block_edge|hold_pattern|block_external), at once$/);
  });

  it('sinkholes the name of a tunnel, with a person: who asked is not proven by questions', () => {
    const flows = [{ respIp: '10.0.0.53', respPort: 53, protocol: 17 }];
    const proposal = answer(of({ lane: 'dns_tunnel', entity: pc, flows, domain: 'evil.test' }));
    const kinds = [proposal!.chosen, ...proposal!.alternatives].map(({ measure }) => measure.kind);
    assert.ok(kinds.includes('sinkhole'));
    assert.equal(proposal!.unattended, false);
  });

  it('does nothing to an address that never proved itself, nor to who is lied about', () => {
    const claimed = entityOf(PC, { proven: false });
    const flows = [{ respIp: '10.0.9.1', respPort: 445 }];
    assert.match(
      told(answer(of({ lane: 'scan_horizontal', entity: claimed, flows }))),
      /^(nothing|record)/,
    );
    assert.match(told(answer(of({ lane: 'binding', entity: pc, lnE: 34 }))), /^(nothing|record)/);
  });

  it('asks before it cuts off who others depend on', () => {
    const gateway = '10.0.0.19';
    history.setRole(gateway, 'gateway');
    const flows = [{ station: macOf(19), respIp: '10.0.9.1', respPort: 445 }];
    const entity = entityOf(gateway);
    const proposal = answer(
      of({ lane: 'worm', entity, flows }, { lane: 'lateral', entity, flows }),
    );
    assert.equal(proposal!.unattended, false);
    assert.equal(proposal!.approvalsNeeded, 2);
  });

  it('gives the same proposal of the same inputs, from their text, too', () => {
    const policy = new Policy(LENIENT);
    const flows = [{ ...own, respIp: '192.0.2.66', respPort: 443, isAnswered: true }] as const;
    const incident = of({ lane: 'beacon', entity: pc, flows });
    const view = {
      history,
      state: NO_RESPONSE_STATE,
      earlierProposals: 0,
      nowUs: incident.lastSeenUs,
      isInternal,
    };
    const inputs = policy.inputsOf(incident, view);
    const copied = JSON.parse(JSON.stringify(inputs)) as typeof inputs;
    assert.deepEqual(decide(copied), policy.decide(incident, view));
  });

  it('never acts on an innocent whose address is forged: 1,000 trials', () => {
    const random = seeded(154);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
    const lanes = LANES.filter((lane) => lane.built && lane.stage !== 'impact').map(({ id }) => id);
    let asked = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const n = 1 + Math.floor(random() * 18);
      // Inside they are hosts at work, outside a server that all of them use.
      const innocent = random() < 0.7 ? `10.0.0.${n}` : OUTSIDE;
      // The liar sits on the link, behind the router, or where links have no addresses.
      const station = pick([macOf(66), ROUTER_MAC, macOf(((n + 3) % 18) + 1), undefined]);
      const accusations = Array.from({ length: 1 + Math.floor(random() * 6) }, (): Accusation => {
        const flow = {
          respIp: pick([FILES, '10.0.9.1', '10.0.0.7', '192.0.2.1']),
          respPort: pick([22, 53, 80, 445, 3389]),
          protocol: pick([6, 17]),
          ...(station === undefined ? {} : { station }),
        };
        const lane: LaneId = pick(lanes);
        return { lane, entity: entityOf(innocent), flows: [flow], lnE: 5 + 30 * random() };
      });
      const incident = incidentOf(accusations, SPAN_S, { confidence: 0.99999 });
      const proposal = answer(incident, { ...LENIENT, mode: pick(['guarded', 'auto']) });
      if (proposal === null) continue;
      if (!proposal.unattended) asked++;
      const touched = addressesOf(proposal.chosen.measure);
      assert.ok(!(proposal.unattended && touched.includes(innocent)), JSON.stringify(proposal));
    }
    assert.ok(asked > 100, String(asked));
  });
});
