import type { Candidate, Impact, Measure, Proposal } from '../domain/action.js';
import { counted, plainBytes, plainPercent } from './plain_words.js';
import { plainSpan } from './time_text.js';

/** What a measure does, as an order: "block TCP port 22 from 10.0.0.1 to 10.0.0.2". */
export function measureWords(measure: Measure): string {
  switch (measure.kind) {
    case 'observe':
      return `watch ${measure.host}`;
    case 'record':
      return `keep the packets of ${measure.host}`;
    case 'limit_sources': {
      const { victim, protocol, packetsPerSecond } = measure;
      const what = protocol === 'tcp' ? 'connection request' : 'packet';
      return `limit each source at ${victim} to ${counted(packetsPerSecond, what)} a second`;
    }
    case 'rate_limit':
      return `limit ${measure.host} to ${plainBytes(measure.bytesPerSecond)} a second`;
    case 'block_edge': {
      const { from, to, protocol, port } = measure.edge;
      const service = protocol === 'any' ? 'everything' : protocol.toUpperCase();
      return `block ${service}${port === null ? '' : ` port ${port}`} from ${from} to ${to}`;
    }
    case 'sinkhole':
      return `sinkhole ${measure.domain} and all names below it`;
    case 'block_external':
      return `block ${measure.address} for all hosts`;
    case 'hold_pattern':
      return `hold ${measure.host} to its pattern of life (${counted(measure.edges.length, 'edge')})`;
    case 'blackhole':
      return `give up ${measure.victim} upstream`;
    case 'isolate':
      return `isolate ${measure.host}`;
  }
}

/** What it would take away: "0.2 % of normal traffic of 3 hosts, known from 4 h". */
export function impactWords(impact: Impact): string {
  const { bytesShare, flowsShare, devices, historySeconds } = impact;
  if (historySeconds === 0) return 'what it would take from normal traffic is not known';
  const share = plainPercent(Math.max(bytesShare, flowsShare));
  const known = `known from ${plainSpan(historySeconds * 1e6)}`;
  if (devices === 0) return `it would take nothing from normal traffic, ${known}`;
  return `it would take up to ${share} of the normal traffic of ${counted(devices, 'host')}, ${known}`;
}

/** A proposal in sentences: what, at what price, who decides and why, what else there is. */
export function proposalSentences(proposal: Proposal): readonly string[] {
  const { chosen, gates, unattended, approvalsNeeded, alternatives, ttlSeconds } = proposal;
  const span = plainSpan(ttlSeconds * 1e6);
  const failed = gates.filter(({ passed }) => !passed).map(({ reason }) => reason);
  const who = unattended
    ? `It needs nobody's leave, and would end after ${span} without new evidence.`
    : `It waits for ${counted(approvalsNeeded, 'person', 'people')}: ${failed.join('; ')}.`;
  return [
    `${capital(measureWords(chosen.measure))}: ${impactWords(chosen.impact)}.`,
    who,
    ...(alternatives.length === 0
      ? []
      : [`Or: ${alternatives.slice(0, 3).map(words).join('; ')}.`]),
  ];
}

const words = ({ measure }: Candidate): string => measureWords(measure);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
