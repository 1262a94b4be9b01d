import { incidentLine } from '../api/eve_incident.js';
import { lookOf } from '../api/text_layout.js';
import { reportText, type Report } from '../api/text_report.js';
import { print } from './console.js';

export interface ReportStyle {
  /** One EVE line per incident instead of text. */
  readonly json: boolean;
  /** Stands above the report where there are several. */
  readonly title: string | null;
}

/** Prints what a run found. */
export function printReport(report: Report, { json, title }: ReportStyle): void {
  if (json) {
    print(
      report.incidents
        .map((incident) => incidentLine(incident, report.proposalsOf?.(incident.id)))
        .join(''),
    );
    return;
  }
  const look = lookOf(process.stdout, process.env);
  const heading = title === null ? '' : `${look.ink.bold(title)}\n`;
  const ending = title === null ? '' : '\n';
  print(heading + reportText(withoutUnreadable(report), look) + ending);
}

/** What could not be read at all has been named on standard error already. */
function withoutUnreadable(report: Report): Report {
  const sources = report.summary.sources.filter(({ kind }) => kind === 'ok' || kind === 'damaged');
  return { ...report, summary: { ...report.summary, sources } };
}
