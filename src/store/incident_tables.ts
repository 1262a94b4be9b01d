import type { Incident } from '../domain/incident.js';
import type { FlowTable } from './flow_table.js';
import type { SqlRow } from './flow_table_messages.js';

/** The tables beside `flows`; `evidence` counts within its incident, from 1. */
const TABLES = {
  incidents:
    'incident VARCHAR, entity_kind VARCHAR, entity VARCHAR, proven BOOLEAN, severity VARCHAR, ' +
    'confidence DOUBLE, ln_wealth DOUBLE, stage VARCHAR, detectors VARCHAR, attack VARCHAR, ' +
    'first_seen_us DOUBLE, last_seen_us DOUBLE, opened_us DOUBLE, summary VARCHAR, ' +
    'evidence_count DOUBLE',
  evidence:
    'incident VARCHAR, evidence DOUBLE, detector VARCHAR, entity VARCHAR, other VARCHAR, ' +
    'from_us DOUBLE, to_us DOUBLE, p DOUBLE, ln_e DOUBLE, stage VARCHAR, attack VARCHAR, ' +
    'reason VARCHAR',
  features:
    'incident VARCHAR, evidence DOUBLE, feature VARCHAR, observed DOUBLE, expected_median DOUBLE, ' +
    'expected_p99 DOUBLE, scope VARCHAR, ln_e_share DOUBLE, n_ref DOUBLE',
  evidence_flows: 'incident VARCHAR, evidence DOUBLE, flow_id VARCHAR, community_id VARCHAR',
} as const;

type TableName = keyof typeof TABLES;

/** Puts incidents with their evidence beside the flows, so that one query can join them. */
export async function writeIncidentTables(
  database: FlowTable,
  incidents: readonly Incident[],
): Promise<void> {
  const rows = tableRows(incidents);
  for (const [name, columns] of Object.entries(TABLES)) {
    await database.run(`CREATE TABLE ${name} (${columns})`);
    const marks = columns.split(', ').map(() => '?');
    const sql = `INSERT INTO ${name} VALUES (${marks.join(', ')})`;
    const values = rows[name as TableName];
    if (values.length > 0) await database.run(sql, values);
  }
}

// prettier-ignore
function tableRows(incidents: readonly Incident[]): Record<TableName, SqlRow[]> {
  const rows: Record<TableName, SqlRow[]> = {
    incidents: incidents.map(incidentRow),
    evidence: [],
    features: [],
    evidence_flows: [],
  };
  for (const { id, evidence } of incidents) {
    for (const [i, one] of evidence.entries()) {
      const key = [id, i + 1] as const;
      rows.evidence.push([
        ...key, one.lane, one.entity.address, one.other, one.t0Us, one.t1Us, one.p, one.lnE,
        one.stage, one.attack.join(' '), one.reason,
      ]);
      for (const f of one.features) {
        rows.features.push([
          ...key, f.feature, f.observed, f.expectedMedian, f.expectedP99, f.scope, f.lnEShare, f.nRef,
        ]);
      }
      for (const flow of one.flows) rows.evidence_flows.push([...key, flow.flowId, flow.communityId]);
    }
  }
  return rows;
}

// prettier-ignore
function incidentRow(incident: Incident): SqlRow {
  const { kind, address, proven } = incident.entity;
  return [
    incident.id, kind, address, proven, incident.severity, incident.confidence, incident.lnWealth,
    incident.stage, incident.detectors.join(' '), incident.attack.join(' '), incident.firstSeenUs,
    incident.lastSeenUs, incident.openedUs, incident.summary, incident.evidenceCount,
  ];
}
