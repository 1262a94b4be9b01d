import type { Measure, Proposal } from '../../../../src/domain/action.js';

export const NO_IMPACT = {
  bytesShare: 0,
  flowsShare: 0,
  fleetShare: 0.0001,
  devices: 1,
  historySeconds: 86_400,
};

export function blockOf(address: string): Measure {
  return { kind: 'block_external', address };
}

/** A proposal that is applied at once unless `more` says otherwise. */
export function proposalOf(id: string, more: Partial<Proposal> = {}): Proposal {
  return {
    id,
    incident: '20261121-1/1',
    entity: { kind: 'external', key: 7, address: '203.0.113.7', proven: true },
    summary: '203.0.113.7 guesses passwords of 10.0.0.5.',
    severity: 'high',
    stage: 'cred',
    confidence: 0.999,
    lnWealth: 30,
    detectors: ['brute_force'],
    mode: 'auto',
    chosen: { measure: blockOf('203.0.113.7'), impact: NO_IMPACT, expectedLoss: 0.1 },
    alternatives: [],
    gates: [{ name: 'confidence', passed: true, reason: 'It is real with 0.999.' }],
    unattended: true,
    approvalsNeeded: 1,
    deadlineSeconds: 900,
    onDeadline: 'reject',
    ttlSeconds: 600,
    decidedUs: 1_790_000_000_000_000,
    ...more,
  };
}
