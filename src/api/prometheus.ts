import { Counter, Gauge, Registry } from 'prom-client';
import { COUNTERS } from '../batch/generated/names.js';
import type { LiveStatus } from '../engine/pipeline.js';

const MS_PER_S = 1000;
const NS_PER_S = 1e9;

type Labels = Readonly<Record<string, string>>;
type Values = readonly (readonly [labels: Labels, value: number])[];

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The exposition format 0.0.4 of Prometheus; times in seconds, sizes in bytes. */
export function prometheusText(status: LiveStatus): Promise<string> {
  const registry = new Registry();
  const add = (
    Kind: typeof Counter | typeof Gauge,
    name: string,
    help: string,
    values: Values,
  ): void => {
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const metric = new Kind({ name: `thymus_${name}`, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) metric.inc(labels, value);
  };
  const total = (name: string, help: string, values: Values): void =>
    add(Counter, `${name}_total`, help, values);
  const gauge = (name: string, help: string, values: Values): void =>
    add(Gauge, name, help, values);
  const one = (value: number): Values => [[{}, value]];

  for (const [name, help] of COUNTERS) {
    const value = one(status.counters[name] ?? 0);
    if (name.endsWith('_most')) gauge(name, help, value);
    else total(name, help, value);
  }
  gauge('uptime_seconds', 'since the run began', one(status.uptime));
  gauge('flows_active', 'flows in the table', one(status.flowTable.used));
  gauge('flow_table_size', 'flows that the table holds at most', one(status.flowTable.most));
  gauge('lag_seconds', 'how far judging is behind the clock', one(status.lag));
  gauge(
    'loss_share',
    'share of the traffic of the last minute that was not seen',
    one(status.loss),
  );
  total('cpu_seconds', 'CPU time', [
    [{ part: 'native' }, status.cpu.native],
    [{ part: 'process' }, status.cpu.process],
  ]);
  gauge('memory_bytes', 'memory of the process, and of the heaps in it', [
    [{ part: 'resident' }, status.memory.residentBytes],
    [{ part: 'main_heap' }, status.memory.mainHeapBytes],
    ...status.shards.map(({ heapBytes }, i) => [{ part: `shard_${i}_heap` }, heapBytes] as const),
  ]);
  total('incidents', 'incidents that were opened', one(status.budget.opened));
  gauge(
    'budget_per_day_per_1000_devices',
    'false incidents that the operator accepts',
    one(status.budget.perDayPer1000),
  );
  gauge(
    'budget_allowed',
    'false incidents that the budget has allowed since the run began',
    one(status.budget.allowed),
  );
  const ofShards = (value: (shard: LiveStatus['shards'][number]) => number): Values =>
    status.shards.map((shard, i) => [{ shard: String(i) }, value(shard)]);
  gauge(
    'entities',
    'hosts with two-way proof',
    ofShards((s) => s.entities),
  );
  total(
    'judged',
    'records and events that were judged',
    ofShards((s) => s.records),
  );
  total('entity_evictions', 'proven hosts forgotten for want of room', ofShards((s) => s.provenEvictions)); // prettier-ignore
  total('probation_evictions', 'unproven hosts forgotten for want of room', ofShards((s) => s.probationEvictions)); // prettier-ignore
  total(
    'edge_refusals',
    'edges that no room was left for',
    ofShards((s) => s.edgeRefusals),
  );
  gauge(
    'judging_seconds',
    'what judging one record costs',
    status.shards.flatMap(({ cost }, i) =>
      cost === null ? [] : quantiles({ shard: String(i) }, cost.ns, NS_PER_S),
    ),
  );
  gauge(
    'latency_seconds',
    'from a packet, or the timer that completes evidence, to each stage',
    Object.entries(status.latency).flatMap(([stage, summary]) =>
      quantiles({ stage }, summary, MS_PER_S),
    ),
  );
  total(
    'latency_observations',
    'how many times each stage was measured',
    Object.entries(status.latency).map(([stage, { count }]) => [{ stage }, count]),
  );
  return registry.metrics();
}

function quantiles(
  labels: Labels,
  { p50, p99, most }: { readonly p50: number; readonly p99: number; readonly most: number },
  perSecond: number,
): Values {
  return [
    [{ ...labels, quantile: '0.5' }, p50 / perSecond],
    [{ ...labels, quantile: '0.99' }, p99 / perSecond],
    [{ ...labels, quantile: '1' }, most / perSecond],
  ];
}
