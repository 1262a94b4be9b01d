import type { Evidence } from '../../src/domain/evidence.js';
import type { Incident } from '../../src/domain/incident.js';
import { Prefixes } from './address.js';
import type { LabelledCapture, LabelledIncident } from './data_set.js';
import { ATTACK_KINDS } from './kinds.js';

/** An alarm that comes later than this after the end of an attack is not about it. */
const LATE_US = 60e6;
/** The same before its onset: what a clock of two processors may be off. */
const EARLY_US = 1e6;
/** Features of evidence that are looked at for what drives an attack. */
const TOP_FEATURES = 3;

/** How one labelled attack fared. */
export interface Outcome {
  readonly capture: LabelledCapture;
  readonly incident: LabelledIncident;
  /** Null when it was missed. */
  readonly found: Found | null;
}

export interface Found {
  readonly delayS: number;
  /** Packets of the attack, and connections of its attackers, until then. */
  readonly packets: number;
  readonly contacts: number;
  readonly isStageRight: boolean;
  readonly isDriverTold: boolean;
}

export interface CaptureOutcomes {
  readonly outcomes: readonly Outcome[];
  /** Incidents that are about none of the attacks. */
  readonly falses: readonly Incident[];
}

/** @param attackTimesUs of all packets of attacks, in time order */
export function judgeIncidents(
  capture: LabelledCapture,
  incidents: readonly Incident[],
  attackTimesUs: readonly number[],
): CaptureOutcomes {
  const outcomes = capture.incidents.map((truth) => {
    const about = incidents.filter((incident) => isAbout(incident, truth));
    const first = about.toSorted((a, b) => a.openedUs - b.openedUs)[0];
    if (first === undefined) return { capture, incident: truth, found: null };
    const until = (times: readonly number[]): number =>
      times.filter((us) => us >= truth.onsetUs && us <= first.openedUs).length;
    const found = {
      delayS: Math.max(0, first.openedUs - truth.onsetUs) / 1e6,
      packets: until(attackTimesUs),
      contacts: until(truth.contactsUs),
      isStageRight: first.stage === truth.stage,
      isDriverTold: tellsDriver(first.evidence, truth.kind),
    };
    return { capture, incident: truth, found };
  });
  const falses = incidents.filter(
    (incident) => !capture.incidents.some((truth) => isAbout(incident, truth)),
  );
  return { outcomes, falses };
}

/** In its time, about who attacks or is attacked, or about the segment in which they are. */
function isAbout(incident: Incident, truth: LabelledIncident): boolean {
  if (incident.openedUs < truth.onsetUs - EARLY_US) return false;
  if (incident.openedUs > truth.endUs + LATE_US) return false;
  const meant = new Prefixes(truth.entities);
  const { kind, address } = incident.entity;
  if (kind === 'segment') {
    const segment = new Prefixes([address]);
    return truth.entities.some((entity) => segment.has(entity.split('/')[0]!));
  }
  return meant.has(address);
}

/** The features that carry most of the evidence, over all of it, and whether the driver is there. */
function tellsDriver(evidence: readonly Evidence[], kind: string): boolean {
  const shares = new Map<string, number>();
  for (const { features } of evidence) {
    for (const { feature, lnEShare } of features) {
      shares.set(feature, Math.max(shares.get(feature) ?? -Infinity, lnEShare));
    }
  }
  const top = [...shares].sort((a, b) => b[1] - a[1]).slice(0, TOP_FEATURES);
  const driver = ATTACK_KINDS[kind]?.driver;
  return driver !== undefined && top.some(([feature]) => driver.test(feature));
}

/** The largest gap between lnE and the sum of its shares, relative to lnE. */
export function shareGap(incidents: readonly Incident[]): number {
  let largest = 0;
  for (const { lnE, features } of incidents.flatMap(({ evidence }) => evidence)) {
    const sum = features.reduce((total, { lnEShare }) => total + lnEShare, 0);
    largest = Math.max(largest, Math.abs(sum - lnE) / Math.max(1, Math.abs(lnE)));
  }
  return largest;
}
