import assert from 'node:assert/strict';
import {
  AUTONOMY_MODES,
  LADDER,
  type ActionState,
  type Impact,
  type Measure,
} from '../../../src/domain/action.js';
import type { DecisionInputs, ResponseOption } from '../../../src/domain/decision.js';
import { STAGES } from '../../../src/domain/evidence.js';
import { addressesOf, AllowList, measureText } from '../../../src/domain/measure.js';
import { AddressSet } from '../../../src/domain/address_set.js';
import { decide, expectedLossOf } from '../../../src/policy/decide.js';
import { GateKeeper } from '../../../src/policy/gates.js';
import { seeded } from '../support/traffic.js';
import { entityOf, POLICY } from './worlds.js';

const ATTACKER = '10.0.0.66';
const VICTIM = '10.0.0.20';
const TRIALS = 8_000;

const impactOf = (share: number, more: Partial<Impact> = {}): Impact => ({
  bytesShare: share,
  flowsShare: share / 2,
  fleetShare: share / 1000,
  devices: share > 0 ? 1 : 0,
  historySeconds: 10 * 86_400,
  ...more,
});
const option = (
  measure: Measure,
  efficacy: number,
  share: number,
  more: Partial<ResponseOption> = {},
): ResponseOption => ({ measure, efficacy, impact: impactOf(share), proven: true, ...more });

const WATCH = option({ kind: 'observe', host: ATTACKER }, 0, 0);
const HOLD = option({ kind: 'hold_pattern', host: ATTACKER, edges: [] }, 0.9, 0.02);
const ISOLATE = option({ kind: 'isolate', host: ATTACKER }, 0.98, 1);
const EDGE = option(
  {
    kind: 'block_edge',
    edge: { from: ATTACKER, to: VICTIM, protocol: 'tcp', port: 22 },
  },
  0.5,
  0.01,
);
const LIMIT = option(
  {
    kind: 'limit_sources',
    victim: VICTIM,
    protocol: 'tcp',
    port: null,
    packetsPerSecond: 9,
  },
  0.6,
  0.01,
);

const inputsOf = (changes: Partial<DecisionInputs> = {}): DecisionInputs => ({
  incident: {
    id: '7',
    entity: entityOf(ATTACKER),
    summary: 'it did it',
    severity: 'high',
    stage: 'lateral',
    confidence: 0.9995,
    lnWealth: 20,
    detectors: ['lateral', 'scan_horizontal'],
    families: ['edge', 'contact'],
    hasHardFact: false,
  },
  options: [WATCH, HOLD, ISOLATE, EDGE],
  assets: [ATTACKER, VICTIM].map((address) => ({ address, role: null, slice: null })),
  deviceCount: 200,
  policy: POLICY,
  state: { modeMost: null, measures: [], ledger: { fleetShare: 0, devices: [] } },
  earlierProposals: 0,
  nowUs: 1e15,
  ...changes,
});

describe('decide', () => {
  const chosen = (changes: Partial<DecisionInputs> = {}): string => {
    const proposal = decide(inputsOf(changes));
    if (proposal === null) return 'nothing';
    return `${proposal.chosen.measure.kind}, ${proposal.unattended ? 'at once' : `by ${proposal.approvalsNeeded}`}`;
  };
  const policy = (changes: Partial<typeof POLICY>): Partial<DecisionInputs> => ({
    policy: { ...POLICY, ...changes },
  });
  const incident = (changes: Partial<DecisionInputs['incident']>): Partial<DecisionInputs> => ({
    incident: { ...inputsOf().incident, ...changes },
  });
  const inForce = (measure: Measure, state: ActionState): Partial<DecisionInputs> => ({
    state: {
      ...inputsOf().state,
      measures: [{ proposal: '7.1', incident: '7', measure, state }],
    },
  });

  it('takes what harms least for what it helps', () => {
    assert.equal(chosen(), 'hold_pattern, at once');
    assert.equal(chosen({ options: [WATCH, ISOLATE] }), 'isolate, by 2');
    assert.equal(chosen({ options: [WATCH, { ...HOLD, efficacy: 0 }] }), 'nothing');
  });

  it('asks people where the mode says so, and does nothing where it only watches', () => {
    const modes = AUTONOMY_MODES.map((mode) => chosen(policy({ mode })));
    const asked = 'hold_pattern, by 1';
    assert.deepEqual(modes, ['nothing', asked, 'hold_pattern, at once', 'hold_pattern, at once']);
    assert.equal(chosen({ state: { ...inputsOf().state, modeMost: 'observe' } }), 'nothing');
  });

  it('lets the closest zone decide, and the most careful of all hosts', () => {
    const zones = [
      { where: '10.0.0.0/8', mode: 'recommend' },
      { where: '10.0.0.64/26', mode: 'auto' },
    ] as const;
    assert.equal(chosen(policy({ zones, mode: 'observe' })), 'hold_pattern, at once');
    const hosts = [...zones, { where: '10.0.0.66', mode: 'observe' }] as const;
    assert.equal(chosen(policy({ zones: hosts })), 'nothing');
    assert.equal(
      chosen({ ...policy({ zones: zones.slice(1), mode: 'recommend' }), options: [WATCH, EDGE] }),
      'block_edge, by 1',
    );
    const assets = [{ address: ATTACKER, role: null, slice: 7 }];
    const slices = [...hosts, { where: 'slice:7', mode: 'auto' }] as const;
    assert.equal(chosen({ ...policy({ zones: slices }), assets }), 'hold_pattern, at once');
  });

  it('asks people when a gate is not passed, and says which', () => {
    const failed = (changes: Partial<DecisionInputs>): string[] => {
      const proposal = decide(inputsOf({ options: [WATCH, HOLD], ...changes }))!;
      assert.equal(proposal.unattended, false);
      return proposal.gates.filter(({ passed }) => !passed).map(({ name }) => name);
    };
    const holdWith = (more: Partial<ResponseOption>): Partial<DecisionInputs> => ({
      options: [WATCH, { ...HOLD, ...more }],
    });
    assert.deepEqual(failed(incident({ confidence: 0.98 })), ['confidence']);
    assert.deepEqual(failed(incident({ families: ['edge'] })), ['evidence']);
    assert.deepEqual(failed(holdWith({ proven: false })), ['proven']);
    assert.deepEqual(failed(holdWith({ impact: impactOf(0.3) })), ['impact']);
    const young = impactOf(0.01, { historySeconds: 60 });
    assert.deepEqual(failed(holdWith({ impact: young })), ['history']);
    const ledger = { fleetShare: 0.00099, devices: [] };
    assert.deepEqual(failed({ state: { ...inputsOf().state, ledger } }), ['fleet']);
    const busy = { fleetShare: 0, devices: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'] };
    assert.deepEqual(failed({ state: { ...inputsOf().state, ledger: busy } }), ['devices']);
    assert.deepEqual(failed(policy({ protectedHosts: ['10.0.0.66/32'] })), ['protected']);
    const assets = [{ address: ATTACKER, role: 'gateway', slice: null }];
    assert.deepEqual(failed({ assets }), ['protected']);
  });

  it('takes one hard fact for two families, and one family for a limit at the victim', () => {
    assert.equal(
      chosen(incident({ families: ['binding'], hasHardFact: true })),
      'hold_pattern, at once',
    );
    const flood = { stage: 'impact', families: ['volume'] } as const;
    assert.equal(chosen({ ...incident(flood), options: [WATCH, LIMIT] }), 'limit_sources, at once');
    const costly = { ...LIMIT, impact: impactOf(0.06) };
    assert.equal(chosen({ ...incident(flood), options: [WATCH, costly] }), 'limit_sources, by 1');
  });

  it('goes down to what passes the gates, then asks for the rest', () => {
    const costly = { ...HOLD, impact: impactOf(0.3) };
    const options = [WATCH, costly, EDGE];
    assert.equal(chosen({ options }), 'block_edge, at once');
    assert.equal(chosen({ options, ...inForce(EDGE.measure, 'active') }), 'hold_pattern, by 2');
    assert.equal(chosen({ options, ...inForce(costly.measure, 'active') }), 'nothing');
    assert.equal(chosen({ options, ...inForce(costly.measure, 'pending') }), 'block_edge, at once');
  });

  it('takes at once what people were asked for, as soon as every gate is passed', () => {
    const waiting = {
      proposal: '7.1',
      incident: '7',
      measure: HOLD.measure,
      state: 'pending',
    } as const;
    const state = { ...inputsOf().state, measures: [{ ...waiting, isAsked: true }] };
    assert.equal(chosen({ options: [WATCH, HOLD], state }), 'hold_pattern, at once');
    const unsure = incident({ confidence: 0.98 });
    assert.equal(chosen({ options: [WATCH, HOLD], ...unsure, state }), 'nothing');
    // It is under way.
    const begun = inForce(HOLD.measure, 'pending');
    assert.equal(chosen({ options: [WATCH, HOLD], ...begun }), 'nothing');
  });

  it('does not ask again for what was refused or did not help', () => {
    for (const state of ['rejected', 'rolled_back', 'failed'] as const) {
      assert.equal(chosen(inForce(HOLD.measure, state)), 'block_edge, at once');
    }
    assert.equal(chosen(inForce(HOLD.measure, 'expired')), 'hold_pattern, at once');
  });

  it('never touches what is always allowed', () => {
    assert.equal(chosen(policy({ alwaysAllow: ['10.0.0.64/28'] })), 'nothing');
    assert.equal(chosen(policy({ alwaysAllow: [VICTIM] })), 'hold_pattern, at once');
    const options = [WATCH, option({ kind: 'sinkhole', domain: 'a.example.org' }, 0.9, 0)];
    assert.equal(chosen({ options, ...policy({ alwaysAllow: ['example.org'] }) }), 'nothing');
  });

  it('tells what else there is, how long it lasts and when it is settled', () => {
    const proposal = decide(inputsOf({ earlierProposals: 2 }))!;
    assert.equal(proposal.id, '7.3');
    assert.deepEqual(
      proposal.alternatives.map(({ measure }) => measure.kind),
      ['isolate', 'block_edge'],
    );
    const { ttlSeconds, deadlineSeconds, onDeadline } = proposal;
    assert.deepEqual([ttlSeconds, deadlineSeconds, onDeadline], [600, 900, 'reject']);
  });
});

describe('decide, over random incidents and policies', function () {
  this.timeout(120_000);
  const random = seeded(20_261_121);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const chance = (p: number): boolean => random() < p;
  const host = (): string => `10.0.0.${1 + Math.floor(random() * 12)}`;
  const outside = (): string => `203.0.113.${1 + Math.floor(random() * 6)}`;

  const measure = (): Measure => {
    const { kind } = pick(LADDER);
    const edge = {
      from: host(),
      to: chance(0.5) ? host() : outside(),
      protocol: 'tcp',
      port: 22,
    } as const;
    switch (kind) {
      case 'observe':
      case 'record':
      case 'isolate':
        return { kind, host: host() };
      case 'limit_sources':
        return { kind, victim: host(), protocol: 'tcp', port: null, packetsPerSecond: 10 };
      case 'rate_limit':
        return { kind, host: host(), bytesPerSecond: 1000 };
      case 'block_edge':
        return { kind, edge };
      case 'sinkhole':
        return { kind, domain: pick(['a.example.org', 'example.org', 'evil.test']) };
      case 'block_external':
        return { kind, address: outside() };
      case 'hold_pattern':
        return { kind, host: host(), edges: [edge] };
      case 'blackhole':
        return { kind, victim: host() };
    }
  };
  const randomOption = (): ResponseOption => {
    const one = measure();
    const isFree = one.kind === 'observe' || one.kind === 'record';
    const share = (): number => pick([0, 0, 0.001, 0.001, 0.01, 0.04, 0.06, 0.19, 0.21, 1]);
    return {
      measure: one,
      efficacy: pick([0.02, 0.3, 0.6, 0.9, 0.98]),
      proven: chance(0.7),
      impact: {
        bytesShare: isFree ? 0 : share(),
        flowsShare: isFree ? 0 : share(),
        fleetShare: isFree ? 0 : pick([0, 0, 0.0001, 0.0006, 0.002]),
        devices: isFree ? 0 : pick([0, 1, 1, 5]),
        historySeconds: pick([0, 86_399, 86_400, 1e6, 1e6]),
      },
    };
  };
  const prefixes = (): string[] => {
    const some = ['10.0.0.0/30', '10.0.0.8/29', '203.0.113.1', '203.0.113.4/31'];
    return some.filter(() => chance(0.2));
  };
  const randomInputs = (): DecisionInputs => {
    const options = Array.from({ length: 1 + Math.floor(random() * 10) }, randomOption);
    const families = (['edge', 'contact', 'volume'] as const).filter(() => chance(0.75));
    const measures = options
      .filter(() => chance(0.2))
      .map(({ measure: one }, i) => {
        const state = pick(['pending', 'active', 'rejected', 'expired'] as const);
        return { proposal: `7.${i}`, incident: chance(0.8) ? '7' : '8', measure: one, state };
      });
    const zones = [
      { where: '10.0.0.0/29', mode: pick(AUTONOMY_MODES) },
      { where: 'slice:3', mode: pick(AUTONOMY_MODES) },
    ].filter(() => chance(0.5));
    return {
      incident: {
        ...inputsOf().incident,
        stage: pick(STAGES),
        confidence: pick([0.5, 0.9899, 0.99, 0.9999, 0.9999]),
        families,
        hasHardFact: chance(0.1),
        entity: entityOf(host()),
      },
      options,
      assets: Array.from({ length: 12 }, (_, i) => ({
        address: `10.0.0.${i + 1}`,
        role: chance(0.1) ? pick(['gateway', 'DNS server', 'DHCP server']) : null,
        slice: chance(0.2) ? 3 : null,
      })),
      deviceCount: pick([1, 100, 200, 1000]),
      policy: {
        ...POLICY,
        mode: pick(AUTONOMY_MODES),
        zones,
        protectedHosts: prefixes(),
        alwaysAllow: [...prefixes(), ...(chance(0.2) ? ['example.org'] : [])],
      },
      state: {
        modeMost: chance(0.1) ? pick(AUTONOMY_MODES) : null,
        measures,
        ledger: {
          fleetShare: pick([0, 0.0003, 0.00095]),
          devices: Array.from({ length: Math.floor(random() * 3) }, host),
        },
      },
      earlierProposals: 0,
      nowUs: 1e15,
    };
  };

  it('never does anything above a gate, nor to whom it must not', () => {
    let unattended = 0;
    let attended = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const inputs = randomInputs();
      const proposal = decide(inputs);
      assert.deepEqual(proposal, decide(structuredClone(inputs)));
      if (proposal === null) continue;
      const { measure: one, impact } = proposal.chosen;
      const told = `trial ${trial}`;
      assert.ok(!new AllowList(inputs.policy.alwaysAllow).forbids(one), told);
      assert.notEqual(proposal.mode, 'observe');
      assert.equal(proposal.approvalsNeeded === 0, proposal.unattended, told);
      if (!proposal.unattended) {
        attended++;
        continue;
      }
      assert.ok(
        proposal.gates.every(({ passed }) => passed),
        told,
      );
      if (one.kind === 'observe' || one.kind === 'record') continue;
      unattended++;
      // The gates again, from their definitions.
      const { gates } = inputs.policy;
      const share = Math.max(impact.bytesShare, impact.flowsShare);
      assert.ok(['guarded', 'auto'].includes(proposal.mode), told);
      assert.ok(inputs.incident.confidence >= gates.confidenceLeast, told);
      assert.ok(share <= (proposal.mode === 'guarded' ? 0.05 : gates.impactMost), told);
      assert.ok(impact.fleetShare + inputs.state.ledger.fleetShare <= gates.fleetShareMost, told);
      assert.ok(impact.historySeconds >= gates.historySecondsLeast, told);
      const isMild = one.kind === 'limit_sources' && share <= 0.05;
      const { families, hasHardFact } = inputs.incident;
      assert.ok(hasHardFact || families.length >= (isMild ? 1 : 2), told);
      const named = addressesOf(one);
      const guarded = new AddressSet(inputs.policy.protectedHosts);
      assert.ok(!named.some((address) => guarded.has(address)), told);
      const role = new Map(inputs.assets.map((asset) => [asset.address, asset.role]));
      assert.ok(!named.some((address) => (role.get(address) ?? null) !== null), told);
      const inside = named.filter((address) => role.has(address));
      const quota = Math.max(1, Math.floor(gates.deviceShareMost * inputs.deviceCount));
      assert.ok(new Set([...inputs.state.ledger.devices, ...inside]).size <= quota, told);
      assert.ok(impact.devices <= quota, told);
      const source = inputs.options.find((each) => each.measure === one);
      assert.equal(source?.proven, true, told);
    }
    assert.ok(
      unattended > 100 && attended > 1000,
      `${unattended} unattended, ${attended} attended`,
    );
  });

  it('never chooses what is worse than an admitted alternative', () => {
    for (let trial = 0; trial < TRIALS / 4; trial++) {
      const inputs = randomInputs();
      const proposal = decide(inputs);
      if (proposal === null) continue;
      const keeper = new GateKeeper(inputs);
      const taken = new Set(inputs.state.measures.map((one) => measureText(one.measure)));
      const allowed = new AllowList(inputs.policy.alwaysAllow);
      for (const each of inputs.options) {
        const isAdmitted = keeper.gatesOf(each).every(({ passed }) => passed);
        if (!isAdmitted || taken.has(measureText(each.measure))) continue;
        if (allowed.forbids(each.measure) || each.measure.kind === 'observe') continue;
        const loss = expectedLossOf(each, inputs, keeper.criticalityOf(each.measure));
        assert.ok(proposal.chosen.expectedLoss <= loss + 1e-9, `trial ${trial}`);
      }
    }
  });
});
