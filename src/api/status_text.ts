import { COUNTERS } from '../batch/generated/names.js';
import type { LiveStatus } from '../engine/pipeline.js';
import { tableLines, type Column, type Look } from './text_layout.js';

/** Counters of things that were left out. */
const LOSS = /drop|evict|unread|no_memory|limit_reached|unrecorded/;
const MIB = 1024 * 1024;

const FACTS: readonly Column[] = [
  { title: '', align: 'left' },
  { title: '', align: 'left' },
];

/** How a live run stands, for a person: rates are those between the two moments. */
export function statusReport(first: LiveStatus, now: LiveStatus, look: Look): string {
  const seconds = Math.max(1e-3, now.uptime - first.uptime);
  const rate = (of: (status: LiveStatus) => number): number => (of(now) - of(first)) / seconds;
  const { ink, width } = look;
  const facts: (readonly [string, string])[] = [
    ['up', duration(now.uptime)],
    ['packets', `${whole(rate((s) => s.progress.packets))} a second, ${whole(now.progress.packets)} in all`],
    ['bits', `${((rate((s) => s.progress.bytes) * 8) / 1e9).toFixed(3)} Gbit/s`],
    ['flow table', fill(now.flowTable.used, now.flowTable.most)],
    ['devices', whole(now.shards.reduce((sum, { entities }) => sum + entities, 0))],
    ['incidents', `${whole(now.budget.opened)} opened; the budget has allowed ${now.budget.allowed.toFixed(3)} false ones`],
    ['behind', `${(now.lag * 1000).toFixed(1)} ms`],
    ['not seen', `${(100 * now.loss).toFixed(2)} % of the last minute`],
    ['memory', `${whole(now.memory.residentBytes / MIB)} MiB`],
    ['CPU', `${(100 * rate((s) => s.cpu.process)).toFixed(0)} % (native ${(100 * rate((s) => s.cpu.native)).toFixed(0)} %)`],
  ]; // prettier-ignore
  const meanings = new Map<string, string>(COUNTERS);
  const drops = Object.entries(now.counters).filter(
    ([name, value]) => LOSS.test(name) && value > 0,
  );
  const latency = Object.entries(now.latency).map(([stage, { count, p50, p99, most }]) => [
    stage,
    whole(count),
    ...[p50, p99, most].map((ms) => ms.toFixed(1)),
  ]);
  const lines = [
    ...tableLines(FACTS, facts, width).slice(1),
    '',
    ink.bold('From packet to, ms'),
    ...tableLines(LATENCY, latency, width),
    '',
    ink.bold('Drops'),
    ...(drops.length === 0
      ? ['none']
      : tableLines(
          DROP_COLUMNS,
          drops.map(([name, value]) => [name, whole(value), meanings.get(name) ?? '']),
          width,
        )),
  ];
  return `${lines.join('\n')}\n`;
}

const LATENCY: readonly Column[] = [
  { title: 'stage', align: 'left' },
  { title: 'measured', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'most', align: 'right' },
];

const DROP_COLUMNS: readonly Column[] = [
  { title: 'where', align: 'left' },
  { title: 'count', align: 'right' },
  { title: 'what', align: 'left' },
];

const whole = (n: number): string => Math.round(n).toLocaleString('en-US');

const fill = (used: number, most: number): string =>
  `${whole(used)} of ${whole(most)} (${((100 * used) / most).toFixed(1)} %)`;

function duration(seconds: number): string {
  const parts = [
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    Math.floor(seconds) % 60,
  ];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
