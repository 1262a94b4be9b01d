import type { Outcome } from './actuator.js';
import type { BgpRoute } from './bgp_route.js';

/** A BGP daemon that announces routes for thymus. Nothing throws. */
export interface BgpSpeaker {
  readonly name: string;

  /** What would be asked of the daemon, for a person. */
  plan(route: BgpRoute): string;

  /** Fails where no session is up, since then nobody hears. */
  ready(): Promise<Outcome>;

  announce(route: BgpRoute): Promise<Outcome>;

  withdraw(route: BgpRoute): Promise<Outcome>;

  /** Routes that bear the mark of thymus, by any run; null where the daemon cannot be asked. */
  marked(): Promise<readonly BgpRoute[] | null>;

  close(): Promise<void>;
}

/** Communities and next hop of the routes, as the operator has agreed with the peers. */
export interface RouteAttributes {
  /** Marks routes as those of thymus, AS:NUMBER; nothing else in the network may use it. */
  readonly mark: string;
  /** Of blackhole routes; BLACKHOLE of RFC 7999 by default. */
  readonly blackholeCommunities: readonly string[];
  readonly nextHop: { readonly '4': string | null; readonly '6': string | null };
}
