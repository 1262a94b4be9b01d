// Makes one capture, in namespaces of its own that run.sh has made for this process.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { workInOffice } from './activities/office_work.js';
import { startCapture } from './capture.js';
import { Lab } from './lab.js';
import { buildNetwork } from './network.js';
import type { CaptureLog } from './log.js';
import { playNamed, type Play } from './plays.js';
import { startServers } from './servers/index.js';
import { pause } from './shell.js';

const FOLDER = '/run/lab';
/** For duplicate address detection of the links' own addresses. */
const SETTLE_SECONDS = 3;
/** Beyond what a play should take; then it hangs. */
const PATIENCE_SECONDS = 180;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    intensity: { type: 'string', default: '1' },
    out: { type: 'string', default: '.' },
    name: { type: 'string' },
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const seed = inRange('seed', values.seed, 0, 2 ** 32 - 1);
const intensity = inRange('intensity', values.intensity, 0.01, 1);
const play = playNamed(positionals[0] ?? '', intensity);
const name = values.name ?? play.name;

process.stderr.write(`${name}: about ${play.seconds} s\n`);
setTimeout(giveUp, (play.seconds + PATIENCE_SECONDS) * 1000);
buildNetwork(play.moreHosts);
mkdirSync(FOLDER);
const lab = new Lab({ folder: FOLDER, seed, intensity });
const capture = await startCapture(join(values.out, `${name}.pcap`));
await startServers(lab);
await play.prepare?.(lab);
await pause(SETTLE_SECONDS);
await perform(lab, play);
const log: CaptureLog = {
  scenario: play.name,
  seed,
  intensity,
  drops: await capture.stop(),
  notes: lab.log.notes,
};
writeFileSync(join(values.out, `${name}.log.json`), JSON.stringify(log, null, 2));
await lab.stopAll();
process.exit(0);

/** The office works until the events of the play are over. */
async function perform(lab: Lab, { events }: Play): Promise<void> {
  const stopWork = new AbortController();
  const work = workInOffice(lab, stopWork.signal);
  await events(lab);
  stopWork.abort();
  await work;
}

function giveUp(): void {
  process.stderr.write(`${name} hangs: it should have been over long ago.\n`);
  process.exit(1);
}

function inRange(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text !== '' && value >= low && value <= high) return value;
  process.stderr.write(`--${name} must be a number from ${low} to ${high}.\n`);
  process.exit(2);
}
