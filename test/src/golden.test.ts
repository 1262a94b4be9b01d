import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './support/project.js';
import { eveEvents, thymus } from './support/thymus.js';

/**
 * Each bundled capture replays to what test/golden says: what was found, in words that a review can
 * judge, and a hash of the whole EVE output. UPDATE_GOLDEN=1 writes the files anew.
 */

const CAPTURES = join(PROJECT, 'pcaps');
const GOLDEN = join(PROJECT, 'test/golden');

interface Incident {
  readonly entity: { readonly address: string };
  readonly severity: string;
  readonly stage: string;
  readonly detectors: readonly string[];
  readonly summary: string;
}

function golden(eve: string): string {
  const events = eveEvents(eve);
  const counts = new Map<string, number>();
  for (const event of events) {
    const { event_type: type, app_proto: app } = event as {
      event_type: string;
      app_proto?: string;
    };
    const name = type === 'flow' ? `flow of ${app ?? 'unknown'}` : type;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const found = events.filter((event) => event['event_type'] === 'incident');
  const lines = [
    ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => `${n} ${name}`),
    ...found.map((event) =>
      incidentText(String(event['timestamp']), event['incident'] as Incident),
    ),
    `sha256 of the EVE output ${createHash('sha256').update(eve).digest('hex')}`,
  ];
  return `${lines.join('\n')}\n`;
}

function incidentText(timestamp: string, incident: Incident): string {
  const { entity, severity, stage, detectors, summary } = incident;
  const facts = [entity.address, severity, stage, detectors.join('+')].join(', ');
  return `incident at ${timestamp}: ${facts}: ${summary}`;
}

describe('golden replays', function () {
  this.timeout(60_000);
  const names = existsSync(CAPTURES)
    ? readdirSync(CAPTURES).filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name))
    : [];

  it('cover at least one capture', () => assert.ok(names.length > 0));

  for (const name of names.sort()) {
    it(name, async () => {
      const args = ['replay', '--no-store', '--quiet', '--eve', '-', join(CAPTURES, name)];
      const { code, out, err } = await thymus(args);
      assert.equal(code, 0, err);
      const path = join(GOLDEN, `${name}.txt`);
      if (process.env['UPDATE_GOLDEN']) {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(path, golden(out));
      }
      assert.equal(golden(out), readFileSync(path, 'utf8'));
    });
  }
});
