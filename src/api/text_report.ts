import type { FeatureShare } from '../domain/evidence.js';
import type { Incident, Severity } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import type { DryProposal } from '../engine/dry_run.js';
import { techniqueText } from './attack_names.js';
import {
  counted,
  incidentTitle,
  laneTitle,
  plainBytes,
  plainNumber,
  plainPercent,
} from './plain_words.js';
import { proposalSentences } from './proposal_text.js';
import { fitted, wrapped, type Ink, type Look } from './text_layout.js';
import { plainClock, plainSpan, plainTime } from './time_text.js';

export interface Report {
  readonly summary: RunSummary;
  /** In their last state, in the order in which they were opened. */
  readonly incidents: readonly Incident[];
  /** First part of RUN/INCIDENT; null when the run was not kept, so that `explain` has nothing. */
  readonly runId: string | null;
  /** What a dry run would have proposed; absent where there was none. */
  readonly proposalsOf?: ProposalsOf;
}

export type ProposalsOf = (incident: string) => readonly DryProposal[];

/** Counters that say that something was not seen; shown when they are not 0. */
const LOSSES: Readonly<Record<string, string>> = {
  nic_drops: 'packets lost by the network card',
  kernel_drops: 'packets lost in the kernel',
  queue_drops: 'records lost before they could be judged',
  table_evictions: 'flows ended early because the table was full',
  sketch_drops: 'destinations that did not fit into a flood sketch',
};
const MOST_REASONS = 3;
const INDENT = '    ';

/** What a terminal shows when a run is over. Ends with a line feed. */
export function reportText(report: Report, look: Look): string {
  const blocks = [
    summaryLines(report.summary, look),
    noticeLines(report.summary, look),
    verdictLines(report, look),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** The incidents alone, as `thymus incidents` lists them. */
export function incidentListText(
  incidents: readonly Incident[],
  runId: string,
  look: Look,
): string {
  const lines =
    incidents.length === 0 ? quietLines(look) : incidentLines({ incidents, runId }, look);
  return `${[`Run ${runId}`, '', ...lines].join('\n')}\n`;
}

/** One incident as it opens, for those who watch. */
export function incidentNewsText(incident: Incident, look: Look): string {
  const columns = columnsOf([incident], look.width);
  return `${incidentCard(incident, columns, look).join('\n')}\n`;
}

function verdictLines(report: Report, look: Look): string[] {
  if (report.summary.packets === 0) return [];
  return report.incidents.length === 0 ? quietLines(look) : incidentLines(report, look);
}

function summaryLines(summary: RunSummary, { width }: Look): string[] {
  if (summary.packets === 0) return ['No packets were read.'];
  const span = summary.lastPacketUs - summary.firstPacketUs;
  const text =
    `Read ${counted(summary.packets, 'packet')} (${plainBytes(summary.bytes)}) from ` +
    `${counted(summary.sources.length, 'capture')}: ${counted(summary.flows, 'flow')}, ` +
    `${counted(summary.entities, 'host')}, ${plainSpan(span)} of traffic from ` +
    `${timeRange(summary.firstPacketUs, summary.lastPacketUs)} UTC.`;
  return wrapped(text, { width });
}

function noticeLines(summary: RunSummary, { width, ink }: Look): string[] {
  const notices = summary.sources.flatMap(({ path, error, kind }) =>
    kind === 'ok' ? [] : [error?.includes(path) ? error : `${path}: ${error ?? kind}`],
  );
  if (summary.interrupted) {
    notices.push('Stopped before the end of the input: this covers what was read until then.');
  }
  for (const [name, value] of summary.counters) {
    const meaning = LOSSES[name];
    if (meaning !== undefined && value > 0) notices.push(`${plainNumber(value)} ${meaning}`);
  }
  return notices
    .flatMap((notice) => wrapped(notice, { width, first: '! ' }))
    .map((line) => ink.yellow(line));
}

function quietLines({ width, ink }: Look): string[] {
  const text = 'No incident: nothing here was unusual enough to bother you with.';
  return wrapped(text, { width }).map((line) => ink.green(line));
}

function incidentLines(
  { incidents, runId, proposalsOf }: Pick<Report, 'incidents' | 'runId' | 'proposalsOf'>,
  look: Look,
): string[] {
  const columns = columnsOf(incidents, look.width);
  const cards = incidents.flatMap((incident, i) => [
    ...(i === 0 ? [] : ['']),
    ...incidentCard(incident, columns, look),
    ...(proposalsOf === undefined ? [] : answerLines(proposalsOf(incident.id), look)),
  ]);
  return [...headLines(incidents, columns, look), ...cards, ...hintLines(incidents, runId, look)];
}

interface Columns {
  readonly id: number;
  readonly when: number;
  readonly who: number;
  readonly what: number;
  readonly sure: number;
  readonly oneDay: boolean;
}

function columnsOf(incidents: readonly Incident[], width: number): Columns {
  const widest = (of: (incident: Incident) => string): number =>
    Math.max(...incidents.map((incident) => of(incident).length));
  const oneDay =
    new Set(incidents.map(({ openedUs }) => plainTime(openedUs).slice(0, 10))).size === 1;
  const id = Math.max(
    2,
    widest((incident) => incident.id),
  );
  const when = oneDay ? 8 : 19;
  const sure = 8;
  const gaps = 2 * 4;
  const who = Math.min(
    39,
    Math.max(
      3,
      widest((incident) => incident.entity.address),
    ),
  );
  return { id, when, who, sure, oneDay, what: width - gaps - id - when - who - sure };
}

function headLines(incidents: readonly Incident[], columns: Columns, look: Look): string[] {
  const { ink, width } = look;
  const day = columns.oneDay ? ` on ${plainTime(incidents[0]!.openedUs).slice(0, 10)}` : '';
  const title = `${counted(incidents.length, 'incident')}${day}, times in UTC`;
  const names = rowText(
    { id: '#', when: 'WHEN', who: 'WHO', what: 'WHAT', sure: 'SURE' },
    columns,
    (text) => text,
  );
  return [ink.bold(title), '', ink.dim(names), ink.dim('─'.repeat(width))];
}

interface RowCells {
  readonly id: string;
  readonly when: string;
  readonly who: string;
  readonly what: string;
  readonly sure: string;
}

function rowText(cells: RowCells, columns: Columns, emphasis: (text: string) => string): string {
  return [
    cells.id.padStart(columns.id),
    cells.when.padEnd(columns.when),
    emphasis(fitted(cells.who, columns.who).padEnd(columns.who)),
    emphasis(fitted(cells.what, columns.what).padEnd(columns.what)),
    cells.sure.padStart(columns.sure),
  ].join('  ');
}

function incidentCard(incident: Incident, columns: Columns, look: Look): string[] {
  const { ink, width } = look;
  const paint = severityInk(incident.severity, ink);
  const cells = {
    id: incident.id,
    when: columns.oneDay ? plainClock(incident.openedUs) : plainTime(incident.openedUs),
    who: incident.entity.address,
    what: shortTitle(incident, columns.what),
    sure: plainPercent(incident.confidence),
  };
  const label = `severity ${incident.severity}`;
  const techniques = incident.attack.map(techniqueText).join(', ');
  return [
    rowText(cells, columns, (text) => ink.bold(paint(text))),
    ...wrapped(incident.summary, { width, first: INDENT }),
    ...reasonLines(incident, look),
    ...wrapped(techniques ? `${label}; ATT&CK ${techniques}` : label, {
      width,
      first: INDENT,
    }).map((line) => ink.dim(line)),
  ];
}

/** What would have been done about it. */
function answerLines(proposals: readonly DryProposal[], { width, ink }: Look): string[] {
  const none = ['Nothing but to watch on.'];
  const answers = proposals.length === 0 ? [none] : proposals.map((p) => answerOf(p));
  return answers.flatMap(([first = '', ...rest]) => [
    ...wrapped(first, { width, first: `${INDENT}→ `, rest: `${INDENT}  ` }).map(ink.green),
    ...rest.flatMap((line) => wrapped(line, { width, first: `${INDENT}  ` })),
  ]);
}

function answerOf({ proposal, renewals }: DryProposal): readonly string[] {
  const again =
    renewals === 0 ? [] : [`Evidence kept coming: renewed ${counted(renewals, 'time')}.`];
  return [...proposalSentences(proposal), ...again];
}

function shortTitle(incident: Incident, width: number): string {
  const title = incidentTitle(incident);
  const [first, ...rest] = incident.detectors;
  if (title.length <= width || first === undefined || rest.length === 0) return title;
  return `${laneTitle(first)} +${rest.length}`;
}

/** The features that weigh most, each once: name, what was seen, what is normal. */
function reasonLines(incident: Incident, { width }: Look): string[] {
  const first = `${INDENT}· `;
  const rows = topFeatures(incident).map((share) => ({
    name: share.feature,
    value: plainNumber(share.observed),
    normal: `normal is ${plainNumber(share.expectedMedian)}, rarely above ${plainNumber(share.expectedP99)}`,
  }));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  const columns = rows.map(
    ({ name, value, normal }) =>
      `${first}${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}   ${normal}`,
  );
  if (columns.every((line) => line.length <= width)) return columns;
  return rows.flatMap(({ name, value, normal }) =>
    wrapped(`${name}: ${value}; ${normal}`, { width, first, rest: `${INDENT}  ` }),
  );
}

/**
 * The features that spoke loudest over all evidence, each where it was highest: counts grow from one
 * piece of evidence to the next, rates have a peak.
 */
function topFeatures(incident: Incident): FeatureShare[] {
  const loudness = new Map<string, number>();
  const peak = new Map<string, FeatureShare>();
  for (const share of incident.evidence.flatMap((evidence) => evidence.features)) {
    const { feature, lnEShare, observed } = share;
    loudness.set(feature, (loudness.get(feature) ?? 0) + lnEShare);
    const before = peak.get(feature);
    if (lnEShare > 0 && observed >= (before?.observed ?? -Infinity)) peak.set(feature, share);
  }
  const of = (share: FeatureShare): number => loudness.get(share.feature)!;
  return [...peak.values()].sort((a, b) => of(b) - of(a)).slice(0, MOST_REASONS);
}

function hintLines(incidents: readonly Incident[], runId: string | null, { ink }: Look): string[] {
  if (runId === null) return [];
  const id = incidents[0]!.id;
  return ['', ink.dim(`Why? In full: npx thymus explain ${runId}/${id}`)];
}

function severityInk(severity: Severity, ink: Ink): (text: string) => string {
  switch (severity) {
    case 'critical':
    case 'high':
      return ink.red;
    case 'medium':
      return ink.yellow;
    case 'low':
      return ink.cyan;
  }
}

/** "2026-11-20 20:20:00 to 20:50:00": the date once where both share it. */
export function timeRange(fromUs: number, toUs: number): string {
  const from = plainTime(fromUs);
  const to = plainTime(toUs);
  if (from === to) return from;
  return `${from} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}
