import type { Evidence, FeatureShare } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import type { Incident } from '../domain/incident.js';
import { techniqueText } from './attack_names.js';
import {
  counted,
  entityWords,
  incidentTitle,
  joined,
  laneTitle,
  plainNumber,
  plainPercent,
  scopeWords,
  stageWords,
} from './plain_words.js';
import { hasPorts, ipProtocolName } from './protocol_names.js';
import { tableLines, wrapped, type Column, type Look } from './text_layout.js';
import { timeRange } from './text_report.js';
import { plainClock, plainSpan, plainTime } from './time_text.js';

const MOST_OTHERS = 12;
const LABEL_WIDTH = 12;
const FEATURE_COLUMNS: readonly Column[] = [
  { title: 'FEATURE', align: 'left' },
  { title: 'OBSERVED', align: 'right' },
  { title: 'NORMAL', align: 'right' },
  { title: 'RARELY ABOVE', align: 'right' },
  { title: 'SHARE', align: 'right' },
  { title: 'WHOSE NORMAL', align: 'left' },
];

/**
 * `thymus explain ID`: one incident with all its evidence: each feature, what was observed and what
 * is normal, its share of the score, and the flows behind it. Ends with a line feed.
 * @param id as the user may give it again: RUN/INCIDENT
 */
export function explainText(incident: Incident, id: string, look: Look): string {
  const lines = [
    ...titleLines(incident, id, look),
    '',
    ...factLines(incident, look),
    ...incident.evidence.flatMap((evidence, i) => [
      '',
      ...evidenceLines(incident, evidence, i, look),
    ]),
    ...readingLines(look),
  ];
  return `${lines.join('\n')}\n`;
}

function titleLines(incident: Incident, id: string, { width, ink }: Look): string[] {
  return [
    ink.bold(`Incident ${id}: ${incidentTitle(incident)}`),
    ink.dim('─'.repeat(width)),
    ...wrapped(incident.summary, { width }),
  ];
}

function factLines(incident: Incident, look: Look): string[] {
  const { entity } = incident;
  const span = plainSpan(incident.lastSeenUs - incident.firstSeenUs);
  const facts: [label: string, texts: readonly string[]][] = [
    ['Who', [`${entity.address}, ${entityWords(entity)}`]],
    ['Involved', incident.others.length ? [joined(incident.others, MOST_OTHERS)] : []],
    ['When', [`${timeRange(incident.firstSeenUs, incident.lastSeenUs)} UTC (${span})`]],
    ['Reported', [`${plainTime(incident.openedUs)} UTC, when the evidence was enough`]],
    ['How sure', [`${plainPercent(incident.confidence)} that this is real${unseen(incident)}`]],
    ['Severity', [incident.severity]],
    ['Stage', [`${incident.stage}: ${stageWords(incident.stage)}`]],
    ['ATT&CK', incident.attack.map(techniqueText)],
    ['Evidence', [evidenceCount(incident)]],
  ];
  return facts.flatMap(([label, texts]) => factText(label, texts, look));
}

function factText(label: string, texts: readonly string[], { width, ink }: Look): string[] {
  return texts.flatMap((text, i) => {
    const first = `  ${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}`;
    const [line, ...rest] = wrapped(text, { width, first });
    return [ink.dim(first) + line!.slice(first.length), ...rest];
  });
}

function evidenceCount(incident: Incident): string {
  const shown = incident.evidence.length;
  const all = counted(incident.evidenceCount, 'piece');
  const kept = shown < incident.evidenceCount ? `, ${plainNumber(shown)} of them kept` : '';
  return `${all}${kept}; together ${plainNumber(incident.lnWealth)} nats of weight`;
}

function evidenceLines(incident: Incident, evidence: Evidence, i: number, look: Look): string[] {
  const { width, ink } = look;
  const count = incident.evidence.length;
  const title = `Evidence ${i + 1} of ${count}: ${laneTitle(evidence.lane)}`;
  const about =
    evidence.entity.address === incident.entity.address ? '' : ` by ${evidence.entity.address}`;
  const other = evidence.other === null ? '' : ` Other side: ${evidence.other}.`;
  const measure =
    `${timeRange(evidence.t0Us, evidence.t1Us)} UTC; ${chance(evidence.p)}; ` +
    `weight ${plainNumber(evidence.lnE)} nats.${other}`;
  return [
    ink.bold(title + about),
    ...wrapped(evidence.reason, { width, first: '  ' }),
    ...wrapped(measure, { width, first: '  ' }).map((line) => ink.dim(line)),
    ...featureLines(evidence, look),
    ...flowLines(evidence.flows, look),
  ];
}

function chance(p: number): string {
  if (p >= 0.01) return `chance of this without an attack ${plainPercent(p)}`;
  return `chance of this without an attack 1 in ${plainCount(1 / p)}`;
}

function plainCount(value: number): string {
  return value < 1e6 ? plainNumber(value) : `10^${Math.floor(Math.log10(value) + 1e-9)}`;
}

function featureLines(evidence: Evidence, { width, ink }: Look): string[] {
  if (evidence.features.length === 0) return [];
  const rows = evidence.features.map((share) => featureRow(share, evidence.lnE));
  const [head, ...lines] = tableLines(FEATURE_COLUMNS, rows, width - 4);
  return ['', ink.dim(`    ${head}`), ...lines.map((line) => `    ${line}`)];
}

function featureRow(share: FeatureShare, lnE: number): string[] {
  return [
    share.feature,
    plainNumber(share.observed),
    plainNumber(share.expectedMedian),
    plainNumber(share.expectedP99),
    lnE > 0 ? `${Math.round((100 * share.lnEShare) / lnE)} %` : '',
    scopeWords(share),
  ];
}

function flowLines(flows: readonly FlowRef[], { width, ink }: Look): string[] {
  if (flows.length === 0) return [];
  const times = flows.map((flow) => plainClock(flow.startUs));
  const ends = flows.map(flowEnds);
  const widest = Math.max(...ends.map((text) => text.length));
  const oneLine = 4 + 8 + 2 + widest + 2 + 30 <= width;
  const lines = flows.flatMap((flow, i) => {
    const head = `    ${times[i]}  ${ends[i]!.padEnd(widest)}`;
    if (oneLine) return [`${head}  ${ink.dim(flow.communityId)}`];
    return [head.trimEnd(), `              ${ink.dim(flow.communityId)}`];
  });
  return ['', ink.dim('    FLOWS BEHIND IT, WITH COMMUNITY ID'), ...lines];
}

function flowEnds({ protocol, origIp, origPort, respIp, respPort }: FlowRef): string {
  const name = ipProtocolName(protocol);
  if (!hasPorts(protocol)) return `${name} ${origIp} → ${respIp}`;
  return `${name} ${endpoint(origIp, origPort)} → ${endpoint(respIp, respPort)}`;
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** How to read the columns, for someone who sees them for the first time. */
function readingLines({ width, ink }: Look): string[] {
  const text =
    'NORMAL is the usual value and RARELY ABOVE the one that is passed once in a hundred times, for ' +
    'whom the last column says: its own past, its peers or a fixed default. SHARE is the part of the ' +
    'weight that comes from this feature; ten nats of weight are odds of 22,000 to 1. A community id ' +
    'finds the flow in any other tool.';
  return ['', ...wrapped(text, { width }).map((line) => ink.dim(line))];
}

function unseen({ loss }: Incident): string {
  return loss > 0 ? `; ${plainPercent(loss)} of the traffic was lost then` : '';
}
