// Checks the captures that were made against the lab's log, and writes them with their labels.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { indexPage } from './index_page.js';
import { INDEX_FILE, LABELS_FILE, LICENCE, ORIGIN } from './labels.js';
import type { AttackLabel, Label, Labels } from './labels.js';
import type { CaptureLog } from './log.js';
import { inTimeOrder, timesOf, type Times } from './pcap_file.js';
import { scenarioNamed, SCENARIOS } from './scenarios/index.js';
import type { Attack } from './scenarios/scenario.js';

/** Clocks of log and capture are the same; the log has milliseconds. */
const CLOCK_SLACK_US = 2_000;
/** An attacker's system may answer and close this long after its tool has ended. */
const AFTERMATH_US = 5_000_000;

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: '.' },
    out: { type: 'string', default: '.' },
    keep: { type: 'boolean', default: false },
  },
});
publish(values.work, values.out, values.keep);

function publish(work: string, out: string, keep: boolean): void {
  mkdirSync(out, { recursive: true });
  const logs = readdirSync(work).filter((name) => name.endsWith('.log.json'));
  const made = logs.map((name) => {
    const log = JSON.parse(readFileSync(join(work, name), 'utf8')) as CaptureLog;
    return writeCapture(log, { pcap: join(work, `${log.scenario}.pcap`), out });
  });
  const kept = keep
    ? labelsOf(out).filter(({ file }) => !made.some((each) => each.file === file))
    : [];
  const captures = [...made, ...kept].sort((a, b) => rank(a) - rank(b));
  const labels: Labels = { origin: ORIGIN, licence: LICENCE, captures };
  writeFileSync(join(out, LABELS_FILE), `${JSON.stringify(labels, null, 2)}\n`);
  writeFileSync(join(out, INDEX_FILE), indexPage(captures));
}

function labelsOf(out: string): readonly Label[] {
  const file = join(out, LABELS_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Labels).captures : [];
}

function rank(label: Label): number {
  return SCENARIOS.findIndex(({ name }) => label.file.startsWith(`${name}.`));
}

function writeCapture(
  log: CaptureLog,
  files: { readonly pcap: string; readonly out: string },
): Label {
  const { attack, shows } = scenarioNamed(log.scenario);
  const pcap = inTimeOrder(readFileSync(files.pcap));
  const times = timesOf(pcap);
  if (log.drops !== 0) throw new Error(`${files.pcap}: the capture lost ${log.drops} frames.`);
  const file = `${log.scenario}.pcap.gz`;
  const packed = gzipSync(pcap, { level: 9 });
  writeFileSync(join(files.out, file), packed);
  return {
    file,
    kind: attack === null ? 'benign' : 'attack',
    shows,
    packets: times.packets,
    firstPacketUs: times.firstUs,
    lastPacketUs: times.lastUs,
    sha256: createHash('sha256').update(packed).digest('hex'),
    seed: log.seed,
    attack: attack === null ? null : attackLabel(attack, log, files.pcap),
    notes: log.notes,
  };
}

function attackLabel(attack: Attack, log: CaptureLog, pcap: string): AttackLabel {
  const times = matching(pcap, attack.filter);
  requireWithinLog(times, log, pcap);
  const { technique, techniqueName, tool, attacker, mac, victims, filter } = attack;
  return {
    ...{ technique, techniqueName, tool, attacker, mac, victims },
    intensity: log.intensity,
    filter,
    packets: times.packets,
    firstPacketUs: times.firstUs,
    lastPacketUs: times.lastUs,
  };
}

function matching(pcap: string, filter: string): Times {
  const args = ['-r', pcap, '-w', '-', filter];
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  return timesOf(inTimeOrder(execFileSync('tcpdump', args, { maxBuffer: 1 << 30, stdio })));
}

/** A label must not claim what the lab did not do, nor miss that nothing came of it. */
function requireWithinLog(times: Times, log: CaptureLog, pcap: string): void {
  const note = log.notes[0];
  if (note === undefined || times.packets === 0) throw new Error(`${pcap}: there is no attack.`);
  const early = times.firstUs < note.fromUs - CLOCK_SLACK_US;
  if (early || times.lastUs > note.toUs + AFTERMATH_US) {
    throw new Error(`${pcap}: packets of the attack lie outside the time of the lab's log.`);
  }
}
