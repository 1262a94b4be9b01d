import assert from 'node:assert/strict';
import type { ActionState, Proposal } from '../../../src/domain/action.js';
import {
  NO_RESPONSE_STATE,
  type MeasureStatus,
  type ResponseState,
} from '../../../src/domain/decision.js';
import type { EffectFigures, Renewal, ResponsePort } from '../../../src/domain/response_port.js';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { DryRun } from '../../../src/engine/dry_run.js';
import { ResponseSink } from '../../../src/engine/response_sink.js';
import { decide } from '../../../src/policy/decide.js';
import { START_US } from '../support/traffic.js';
import { again, entityOf, incidentOf, POLICY, tell, type Talk } from '../policy/worlds.js';

const HOUR = 3600;
const SPAN_S = 3 * HOUR;
const PC = '10.0.0.5';
const FILES = '10.0.0.20';
const HOME = ['10.0.0.0/8'];
const MACS = ['020000000105', '020000000120'] as const;
const LENIENT = {
  ...POLICY,
  gates: { ...POLICY.gates, historySecondsLeast: HOUR },
};
const WORK: readonly Talk[] = [
  ...again({ at: 0, from: PC, to: FILES, port: 445, macs: MACS }, 60, SPAN_S),
  ...Array.from({ length: 12 }, (_, i) =>
    again(
      { at: i, from: `10.0.1.${i}`, to: FILES, port: 445, macs: [`0200000002${10 + i}`, MACS[1]] },
      300,
      SPAN_S,
    ),
  ).flat(),
];
const FLOWS = [{ station: MACS[0], respIp: '192.0.2.66', respPort: 443 }] as const;
const beacon = (atS: number, evidenceCount = 2) =>
  incidentOf(
    [
      { lane: 'beacon', entity: entityOf(PC), flows: FLOWS },
      { lane: 'exfiltration', entity: entityOf(PC), flows: FLOWS },
    ],
    atS,
    { evidenceCount },
  );

/** Notes what it is told, in words, and is in the state that it is put into. */
class Recorder implements ResponsePort {
  readonly said: string[] = [];
  readonly proposals: Proposal[] = [];
  readonly figures: EffectFigures[] = [];
  state: ResponseState = NO_RESPONSE_STATE;

  propose(proposal: Proposal, inputs: Parameters<typeof decide>[0]): void {
    assert.deepEqual(decide(structuredClone(inputs)), proposal);
    this.proposals.push(proposal);
    this.said.push(`propose ${proposal.id} ${proposal.chosen.measure.kind}`);
  }

  renew({ proposal, ttlSeconds }: Renewal): void {
    this.said.push(`renew ${proposal} for ${ttlSeconds} s`);
  }

  allowAlways(list: readonly string[]): void {
    this.said.push(`allow ${list.join(' ')}`);
  }

  report(figures: readonly EffectFigures[]): void {
    this.figures.push(...figures);
  }

  onTick(): void {}
}

describe('ResponseSink', () => {
  const sinkWith = (port: ResponsePort, runId: string | null = null): ResponseSink =>
    new ResponseSink({ policy: LENIENT, homeNet: HOME, port, runId });
  const work = (sink: ResponseSink, talks: readonly Talk[] = WORK): void =>
    tell(talks, (row, detail) => sink.onFlow(row, detail));

  it('proposes once what is best, and renews what is in force while evidence comes', () => {
    const port = new Recorder();
    const sink = sinkWith(port, 'run-1');
    work(sink);
    sink.onIncident(beacon(SPAN_S), 'opened');
    assert.deepEqual(port.said, ['allow ', 'propose run-1/1.1 hold_pattern']);
    const [first] = port.proposals;
    assert.equal(first!.incident, 'run-1/1');
    assert.equal(first!.unattended, true);
    const { measure } = first!.chosen;
    const status = {
      proposal: first!.id,
      incident: first!.incident,
      measure,
      state: 'active',
    } as const;
    port.state = { ...NO_RESPONSE_STATE, measures: [status] };
    for (let tick = 1; tick <= 400; tick++) {
      sink.onIncident(beacon(SPAN_S + 5 * tick, 2 + tick), 'grew');
    }
    assert.deepEqual(port.said.slice(2), [
      'renew run-1/1.1 for 1200 s',
      'renew run-1/1.1 for 2400 s',
    ]);
    sink.onIncident(beacon(SPAN_S + 9000, 402), 'grew');
    assert.equal(port.said.length, 4, 'no new evidence, no renewal');
  });

  it('renews each action of an incident by its own time', () => {
    const port = new Recorder();
    const sink = sinkWith(port);
    work(sink);
    const statusOf = (proposal: string, host: string, state: ActionState): MeasureStatus => {
      return { proposal, incident: '1', measure: { kind: 'isolate', host }, state };
    };
    const first = statusOf('1.1', PC, 'active');
    const setTo = (...measures: MeasureStatus[]): void => {
      port.state = { ...NO_RESPONSE_STATE, measures };
    };
    let evidence = 2;
    const evidenceAt = (atS: number): string[] => {
      port.said.length = 0;
      sink.onIncident(beacon(SPAN_S + atS, ++evidence), 'grew');
      return port.said.filter((one) => one.startsWith('renew'));
    };
    setTo(first);
    assert.deepEqual(evidenceAt(0), []);
    assert.deepEqual(evidenceAt(300), ['renew 1.1 for 1200 s']);
    // People agree to another action, which lives for ten minutes from now, whatever the first has.
    setTo(first, statusOf('1.2', FILES, 'pending'));
    assert.deepEqual(evidenceAt(500), []);
    setTo(first, statusOf('1.2', FILES, 'active'));
    work(sink, [{ at: SPAN_S + 520, from: PC, to: FILES, port: 445, macs: MACS }]);
    assert.deepEqual(evidenceAt(810), []);
    assert.deepEqual(evidenceAt(840), ['renew 1.2 for 1200 s']);
    assert.deepEqual(evidenceAt(900), ['renew 1.1 for 2400 s']);
  });

  it('tells of what measures do to normal traffic and to the attack', () => {
    const port = new Recorder();
    const sink = sinkWith(port);
    work(sink);
    const measure = { kind: 'rate_limit', host: PC, bytesPerSecond: 1000 } as const;
    const active = { proposal: '1.1', incident: '1', measure, state: 'active' } as const;
    port.state = { ...NO_RESPONSE_STATE, measures: [active] };
    const later = (at: number, isAnswered: boolean): Talk => {
      return { at: SPAN_S + at, from: PC, to: FILES, port: 445, macs: MACS, isAnswered };
    };
    work(sink, [later(10, true)]);
    sink.onIncident(beacon(SPAN_S + 11, 5), 'grew');
    work(sink, [later(12, true), later(13, false), later(20, true)]);
    const [figures] = port.figures.filter(({ normalFlows }) => normalFlows > 0);
    assert.deepEqual([figures!.evidence, figures!.normalFlows, figures!.normalAnswered], [5, 3, 2]);
    assert.ok(figures!.usualAnsweredShare! > 0.99);
  });

  it('takes only answers for signs that a block does not work, for attempts go on', () => {
    const port = new Recorder();
    const sink = sinkWith(port);
    work(sink);
    const edge = { from: PC, to: '192.0.2.66', protocol: 'tcp', port: 443 } as const;
    const measure = { kind: 'block_edge', edge } as const;
    const active = { proposal: '1.1', incident: '1', measure, state: 'active' } as const;
    port.state = { ...NO_RESPONSE_STATE, measures: [active] };
    const attempt = (at: number, isAnswered: boolean): Talk => {
      return { at: SPAN_S + at, from: PC, to: edge.to, port: 443, macs: MACS, isAnswered };
    };
    work(sink, [{ ...attempt(1, true), port: 445, to: FILES }, attempt(10, false)]);
    sink.onIncident(beacon(SPAN_S + 11, 5), 'grew');
    work(sink, [attempt(12, false), attempt(20, false)]);
    assert.deepEqual(new Set(port.figures.map(({ evidence }) => evidence)), new Set([0]));
    work(sink, [attempt(21, true), attempt(30, false)]);
    assert.equal(port.figures.at(-1)!.evidence, 1);
  });

  it('spares at once what is always allowed from now on', () => {
    const port = new Recorder();
    const sink = sinkWith(port);
    work(sink);
    sink.setPolicy({ ...LENIENT, alwaysAllow: [PC] });
    sink.onIncident(beacon(SPAN_S), 'opened');
    assert.deepEqual(port.said, ['allow ', `allow ${PC}`, 'propose 1.1 block_external']);
  });

  it('stays bounded in proposals', () => {
    const port = new Recorder();
    const sink = sinkWith(port);
    work(sink);
    for (let i = 0; i < 50; i++) {
      const flows = [{ ...FLOWS[0], respIp: `192.0.2.${i}` }];
      const lanes = ['beacon', 'exfiltration'] as const;
      const accusations = lanes.map((lane) => ({ lane, entity: entityOf(PC), flows }));
      sink.onIncident(incidentOf(accusations, SPAN_S + 5 * i, { evidenceCount: i }), 'grew');
    }
    assert.equal(port.proposals.length, 8);
    assert.equal(sink.proposalRefusals, 42);
  });

  it('goes on with what an earlier run knew to be normal', () => {
    const first = sinkWith(new Recorder());
    work(first);
    const out = new StateWriter();
    first.memory.save(out);
    const port = new Recorder();
    const second = sinkWith(port);
    second.memory.restore(new StateReader(out.take()));
    second.onIncident(beacon(SPAN_S), 'opened');
    assert.equal(port.proposals[0]!.unattended, true);
  });
});

describe('DryRun', () => {
  it('counts as done what needs nobody, lets it end, and keeps the ledger of the hour', () => {
    const port = new DryRun();
    const sink = new ResponseSink({ policy: LENIENT, homeNet: HOME, port, runId: null });
    tell(WORK, (row, detail) => sink.onFlow(row, detail));
    sink.onIncident(beacon(SPAN_S), 'opened');
    const stateAt = (atS: number): string => {
      port.onTick(START_US + atS * 1e6);
      const { measures, ledger } = port.state;
      return [...measures.map(({ state }) => state), ...ledger.devices].join(' ');
    };
    assert.equal(stateAt(SPAN_S), `active ${PC}`);
    assert.equal(stateAt(SPAN_S + 599), `active ${PC}`);
    assert.equal(stateAt(SPAN_S + 601), `expired ${PC}`);
    assert.equal(stateAt(SPAN_S + 600 + HOUR), 'expired');
    assert.equal(port.proposalsOf('1').length, 1);
  });

  it('takes back what is always allowed from now on', () => {
    const port = new DryRun();
    const sink = new ResponseSink({ policy: LENIENT, homeNet: HOME, port, runId: null });
    tell(WORK, (row, detail) => sink.onFlow(row, detail));
    sink.onIncident(beacon(SPAN_S), 'opened');
    sink.setPolicy({ ...LENIENT, alwaysAllow: [PC] });
    assert.deepEqual(
      port.state.measures.map(({ state }) => state),
      ['rolled_back'],
    );
  });

  it('lets what waits come to its deadline', () => {
    const port = new DryRun();
    const policy = { ...LENIENT, mode: 'recommend' } as const;
    const sink = new ResponseSink({ policy, homeNet: HOME, port, runId: null });
    tell(WORK, (row, detail) => sink.onFlow(row, detail));
    sink.onIncident(beacon(SPAN_S), 'opened');
    const states = [0, 899, 901].map((at) => {
      port.onTick(START_US + (SPAN_S + at) * 1e6);
      return port.state.measures[0]!.state;
    });
    assert.deepEqual(states, ['pending', 'pending', 'rejected']);
  });
});
