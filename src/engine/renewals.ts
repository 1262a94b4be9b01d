import type { MeasureStatus } from '../domain/decision.js';
import type { Renewal } from '../domain/response_port.js';
import { TTL_SECONDS } from '../policy/decide.js';

const TTL_SECONDS_MOST = 4 * 3600;

/** The life that one action has been given. */
interface Life {
  readonly incident: string;
  ttlSeconds: number;
  sinceUs: number;
}

/** Evidence that keeps coming doubles the life of what is in force, each time half of it is over. */
export class Renewals {
  readonly #lives = new Map<string, Life>();

  /** What is in force lives from the moment at which it is first seen so; what is not is forgotten. */
  follow(measures: readonly MeasureStatus[], nowUs: number): void {
    const inForce = measures.filter(({ state }) => state === 'active' || state === 'applying');
    const proposals = new Set(inForce.map(({ proposal }) => proposal));
    for (const proposal of this.#lives.keys()) {
      if (!proposals.has(proposal)) this.#lives.delete(proposal);
    }
    for (const { proposal, incident } of inForce) {
      if (this.#lives.has(proposal)) continue;
      this.#lives.set(proposal, { incident, ttlSeconds: TTL_SECONDS, sinceUs: nowUs });
    }
  }

  /** An incident has new evidence. @returns what that gives more life to */
  onEvidence(incident: string, nowUs: number): readonly Renewal[] {
    const renewals: Renewal[] = [];
    for (const [proposal, life] of this.#lives) {
      if (life.incident !== incident) continue;
      if (nowUs - life.sinceUs < (life.ttlSeconds / 2) * 1e6) continue;
      life.ttlSeconds = Math.min(2 * life.ttlSeconds, TTL_SECONDS_MOST);
      life.sinceUs = nowUs;
      renewals.push({ proposal, incident, ttlSeconds: life.ttlSeconds, evidenceUs: nowUs });
    }
    return renewals;
  }
}
