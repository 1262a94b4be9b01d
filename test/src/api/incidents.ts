import type { Evidence } from '../../../src/domain/evidence.js';
import type { FlowRef } from '../../../src/domain/flow.js';
import type { Incident } from '../../../src/domain/incident.js';
import type { RunSummary } from '../../../src/domain/run.js';
import { T0_US } from './rows.js';

const ATTACKER = { kind: 'device', key: 66, address: '10.0.0.66', proven: true } as const;

export function flowRef(n: number): FlowRef {
  return {
    flowId: (0x1e + n).toString(16).padStart(16, '0'),
    communityId: `1:${'A'.repeat(26)}${n}=`,
    protocol: 6,
    origIp: '10.0.0.66',
    origPort: 40000 + n,
    respIp: `10.0.0.${n}`,
    respPort: 445,
    startUs: T0_US + n * 1e6,
  };
}

export function scanEvidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    lane: 'scan_horizontal',
    entity: ATTACKER,
    other: '10.0.0.0/24',
    t0Us: T0_US,
    t1Us: T0_US + 11e6,
    order: { timeUs: T0_US + 12e6, index: 500, sub: 0 },
    p: 1e-18,
    lnE: 34,
    attack: ['T1046', 'T1018'],
    stage: 'recon',
    reason: 'Tried 36 hosts it had never spoken to on port 445; 34 of them did not answer.',
    features: [
      {
        feature: 'failed first contacts',
        observed: 34,
        expectedMedian: 0,
        expectedP99: 3,
        scope: 'default',
        lnEShare: 32.5,
        nRef: 0,
      },
      {
        feature: 'first contacts',
        observed: 36,
        expectedMedian: 2,
        expectedP99: 14,
        scope: 'self',
        lnEShare: 1.5,
        nRef: 120,
      },
    ],
    flows: [flowRef(1), flowRef(2), flowRef(3)],
    ...changes,
  };
}

/** A device that scans its neighbours. */
export function scanIncident(changes: Partial<Incident> = {}): Incident {
  return {
    id: '1',
    entity: ATTACKER,
    others: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    severity: 'medium',
    confidence: 0.9981,
    loss: 0,
    lnWealth: 27.25,
    stage: 'recon',
    detectors: ['scan_horizontal'],
    attack: ['T1046', 'T1018'],
    firstSeenUs: T0_US,
    lastSeenUs: T0_US + 60e6,
    openedUs: T0_US + 12e6,
    order: { timeUs: T0_US + 12e6, index: 500, sub: 0 },
    summary: '10.0.0.66 tries many neighbours on port 445, as a scanner does.',
    evidence: [scanEvidence()],
    evidenceCount: 1,
    ...changes,
  };
}

export function summaryOf(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    packets: 41_523,
    bytes: 28_400_000,
    flows: 1_204,
    entities: 18,
    firstPacketUs: T0_US,
    lastPacketUs: T0_US + 1_800e6,
    interrupted: false,
    counters: [],
    sources: [{ path: 'office.pcap', kind: 'ok', error: null }],
    ...changes,
  };
}
