import { communityIdOfEnds } from '../batch/community_id.js';
import type { EventRowView } from '../batch/generated/record_layout.js';

const MOST_KEPT = 1 << 16;

/**
 * Community IDs of the flows that events belong to, with a bounded memory of those already computed:
 * a flow's events come close together.
 */
export class CommunityIds {
  readonly #ofFlow = new Map<number, string>();

  /** @param flow the number of the event's flow */
  of(flow: number, row: EventRowView): string {
    const known = this.#ofFlow.get(flow);
    if (known !== undefined) return known;
    const id = communityIdOfEnds({
      protocol: row.protocol,
      orig: row.srcAddr,
      resp: row.dstAddr,
      origPort: row.srcPort,
      respPort: row.dstPort,
    });
    if (this.#ofFlow.size >= MOST_KEPT) this.#ofFlow.clear();
    this.#ofFlow.set(flow, id);
    return id;
  }
}
