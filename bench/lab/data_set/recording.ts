import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SetAttack } from '../attacks/set_attack.js';
import { DAY_ACCELERATION } from '../benign_plays.js';
import type { CaptureLog, Note } from '../log.js';
import { inTimeOrder, packetsOf } from '../pcap_file.js';
import { playNamed } from '../plays.js';
import { matchingPositions } from './attack_packets.js';
import { devicesAmong, hostLines } from './host_lines.js';
import { incidentLines, type IncidentFacts } from './label_lines.js';
import type { BenignLine, LabelLine } from './lines.js';
import type { Recording } from './plan.js';
import type { DataSet } from './store.js';

const MAKE_CAPTURE = fileURLToPath(new URL('../make_capture.js', import.meta.url));
/** A world of its own: run.sh says why. */
const WORLD = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Clocks of log and capture are the same; the log has milliseconds. */
const CLOCK_SLACK_US = 2_000;
/** An attacker's system may answer and close this long after its tool has ended. */
const AFTERMATH_US = 5_000_000;

/** Makes one capture in namespaces of its own and adds it with its labels. */
export async function record(recording: Recording, set: DataSet): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'thymus-lab-'));
  try {
    await makeCapture(recording, work);
    addCapture(recording, { work, set });
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function makeCapture(recording: Recording, work: string): Promise<void> {
  const { play, name, seed, intensity } = recording;
  const args = [play, '--name', name, '--seed', seed, '--intensity', intensity, '--out', work];
  const command = [...WORLD, process.execPath, MAKE_CAPTURE, ...args.map(String)];
  const world = spawn('unshare', command, { stdio: ['ignore', 'inherit', 'inherit'] });
  // The kernel ends the whole world with its first process.
  const end = (): void => {
    world.kill('SIGKILL');
    rmSync(work, { recursive: true, force: true });
  };
  process.once('exit', end);
  await once(world, 'close');
  process.off('exit', end);
  if (world.exitCode !== 0) throw new Error(`${name} could not be recorded.`);
}

function addCapture(
  recording: Recording,
  { work, set }: { readonly work: string; readonly set: DataSet },
): void {
  const { name, play, attack, intensity, seed, split } = recording;
  const log = JSON.parse(readFileSync(join(work, `${name}.log.json`), 'utf8')) as CaptureLog;
  if (log.drops !== 0) throw new Error(`${name}: the capture lost ${log.drops} frames.`);
  const pcapFile = join(work, `${name}.pcap`);
  const pcap = inTimeOrder(readFileSync(pcapFile));
  writeFileSync(pcapFile, pcap);
  const packets = [...packetsOf(pcap)];
  const hosts = hostLines(playNamed(play, intensity).moreHosts ?? [], attack);
  const labels: LabelLine[] = [...hosts, ...log.notes.flatMap(benignLine)];
  if (attack !== null) {
    const positions = attackPositions(attack, log, { pcapFile, packets });
    if (positions.length === 0) throw new Error(`${name}: there is no attack in it.`);
    labels.push(...incidentLines(factsOf(attack, intensity), packets, positions));
  }
  set.add(
    {
      name,
      role: attack === null ? 'benign' : 'attack',
      split,
      origin: 'recorded',
      seed,
      acceleration: play === 'benign-day' ? DAY_ACCELERATION : 1,
      base: null,
      recording: null,
      devices: devicesAmong(hosts),
    },
    packets,
    labels,
  );
}

function attackPositions(
  attack: SetAttack,
  { notes }: CaptureLog,
  capture: { readonly pcapFile: string; readonly packets: Parameters<typeof incidentLines>[1] },
): number[] {
  const note = notes.find(({ activity }) => activity === undefined)!;
  const span = { fromUs: note.fromUs - CLOCK_SLACK_US, toUs: note.toUs + AFTERMATH_US };
  return matchingPositions(capture.pcapFile, attack.filter, { packets: capture.packets, span });
}

function factsOf(attack: SetAttack, intensity: number): IncidentFacts {
  const { kind, stage, technique, techniqueName, attackers, victims, tool, split } = attack;
  return {
    incident: 'i1',
    ...{ kind, stage, technique, techniqueName },
    attackers: attackers.map(({ address }) => address),
    attackerMacs: attackers.map(({ mac }) => mac),
    victims,
    ...{ intensity, tool, split },
  };
}

function benignLine(note: Note): BenignLine[] {
  const { activity, what, hosts, fromUs, toUs } = note;
  return activity === undefined ? [] : [{ line: 'benign', activity, what, hosts, fromUs, toUs }];
}
