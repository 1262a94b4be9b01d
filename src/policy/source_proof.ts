import type { Evidence } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import { LANE_INDEX, LANES } from '../domain/lanes.js';
import type { SourceStations } from '../models/source_stations.js';

/** Share of the evidence, in nats, that has to come from the host itself. */
const PROVEN_SHARE_LEAST = 0.5;

/** True for evidence about a host that suffers it, and does not do it. */
export function isOfVictim({ lane }: Pick<Evidence, 'lane'>): boolean {
  const { family, stage } = LANES[LANE_INDEX[lane]]!;
  return family === 'volume' && stage === 'impact';
}

/**
 * True when what a host is accused of was done by itself. Anybody can write its address into
 * packets; so most of the evidence has to be flows in which the host got its answers, or that came
 * from its own station on the link and not from a router. What it did at other times proves nothing.
 */
export function isSourceProven(
  address: string,
  evidence: readonly Evidence[],
  stations: SourceStations,
): boolean {
  let total = 0;
  let proven = 0;
  for (const piece of evidence) {
    const { entity, lnE, t0Us } = piece;
    if (entity.address !== address || isOfVictim(piece) || !(lnE > 0)) continue;
    total += lnE;
    const isOwn = (flow: FlowRef): boolean =>
      flow.origIp === address &&
      flow.station !== undefined &&
      stations.isOwn(entity.key, Number.parseInt(flow.station, 16), t0Us);
    if (entity.proven && piece.flows.some((flow) => isAnswered(flow, address) || isOwn(flow))) {
      proven += lnE;
    }
  }
  return total > 0 && proven >= PROVEN_SHARE_LEAST * total;
}

/** Payload of TCP went both ways through this flow of a host. */
export function isAnswered(flow: FlowRef, address: string): boolean {
  return flow.isAnswered === true && (flow.origIp === address || flow.respIp === address);
}
