import type { Baseline, EndedFlow, ScoreSheet } from './baseline.js';

/** Connections of a pair before it has a score. */
const LEAST_CONNECTIONS = 20;
/** Connections of a pair that are kept, the newest. */
const CONNECTIONS_MOST = 1024;
const SKEW_LEAST_SPREAD = 10;
const GAP_SCALE_SECONDS = 30;
const SIZE_SCALE_BYTES = 32;
const SIZE_MOST_BYTES = 65_535;
const EXPECTED_GAP_SECONDS = 10;

/**
 * B3, the beacon score of RITA (version 4, as published) of pairs of an inside host and an outside
 * one: of gaps and of sizes each the Bowley skew and the median absolute deviation, the number of
 * connections against one every ten seconds, and how small the usual size is; the mean of the six.
 * Scored anew with each connection, over those so far.
 */
export class Rita implements Baseline {
  readonly alarmFrom = null;
  readonly #pairs = new Map<string, { startsS: number[]; bytes: number[] }>();

  onFlow(flow: EndedFlow, sheet: ScoreSheet): void {
    if (!flow.isOutbound) return;
    const key = `${flow.originator} ${flow.responder}`;
    const pair = this.#pairs.get(key) ?? { startsS: [], bytes: [] };
    this.#pairs.set(key, pair);
    pair.startsS.push(Math.floor(flow.startUs / 1e6));
    pair.bytes.push(flow.originatorBytes);
    if (pair.startsS.length > CONNECTIONS_MOST) {
      pair.startsS.shift();
      pair.bytes.shift();
    }
    if (pair.startsS.length >= LEAST_CONNECTIONS) {
      sheet.raise(flow.originator, flow.endUs, beaconScore(pair.startsS, pair.bytes));
    }
  }
}

/**
 * @param startsS when connections began, whole seconds
 * @param bytes what each sent
 * @returns 0 to 1
 */
export function beaconScore(startsS: readonly number[], bytes: readonly number[]): number {
  const times = startsS.toSorted((a, b) => a - b);
  const gaps = times
    .slice(1)
    .map((time, i) => time - times[i]!)
    .sort((a, b) => a - b);
  const sizes = bytes.toSorted((a, b) => a - b);
  const spanSeconds = times.at(-1)! - times[0]!;
  const count = Math.min(1, times.length / Math.max(1, spanSeconds / EXPECTED_GAP_SECONDS));
  const parts = [
    1 - Math.abs(skewOf(gaps)),
    Math.max(0, 1 - deviationOf(gaps) / GAP_SCALE_SECONDS),
    count,
    1 - Math.abs(skewOf(sizes)),
    Math.max(0, 1 - deviationOf(sizes) / SIZE_SCALE_BYTES),
    Math.max(0, 1 - modeOf(sizes) / SIZE_MOST_BYTES),
  ];
  return Math.ceil((parts.reduce((a, b) => a + b, 0) / parts.length) * 1000) / 1000;
}

/** Bowley's; 0 where quartiles say nothing. Sorted values in. */
function skewOf(sorted: readonly number[]): number {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantileOf(sorted, q));
  const spread = high! - low!;
  if (spread < SKEW_LEAST_SPREAD || middle === low || middle === high) return 0;
  return (low! + high! - 2 * middle!) / spread;
}

/** Median absolute deviation. */
function deviationOf(sorted: readonly number[]): number {
  const middle = quantileOf(sorted, 0.5);
  return quantileOf(
    sorted.map((value) => Math.abs(value - middle)).sort((a, b) => a - b),
    0.5,
  );
}

/** The most frequent value, the smallest of several. */
function modeOf(sorted: readonly number[]): number {
  let [mode, most, run] = [0, 0, 0];
  sorted.forEach((value, i) => {
    run = value === sorted[i - 1] ? run + 1 : 1;
    if (run > most) [mode, most] = [value, run];
  });
  return mode;
}

function quantileOf(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.round(q * (sorted.length - 1)))] ?? 0;
}
