import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { RecencyMap } from './recency_map.js';

const ADDRESSES_MOST = 16_384;
const STATIONS_MOST = 16_384;
const IPV6_MOST = 8;
const IPV6_PERIOD_US = 86_400e6;
/** An IPv4 address that was not used for so long has been given back. */
const LEASE_OVER_US = 600e6;

class Source {
  station = 0;
  /** Since when it is there. */
  sinceUs = 0;
}

class Station {
  /** Its IPv4 address, as a key; 0 for none. */
  ipv4 = 0;
  ipv4SeenUs = 0;
  /** IPv6 addresses of the day that began then. */
  readonly ipv6 = new Set<number>();
  ipv6SinceUs = 0;
  isRouter = false;
}

/**
 * Which station on its link each address speaks from, by its hardware address. Only flows teach it in
 * which the address was seen to get its answers, so that whoever merely writes another's address
 * into packets neither becomes its station nor makes its station look like a router.
 *
 * A station that speaks for outside addresses, for two of IPv4 at a time, or for more than
 * eight of IPv6 in a day, is taken for a router: behind it, who sent a packet cannot be told.
 */
export class SourceStations {
  readonly #sources = new RecencyMap<Source>(
    ADDRESSES_MOST,
    () => new Source(),
    (source) => {
      source.station = 0;
      source.sinceUs = 0;
    },
  );
  readonly #stations = new RecencyMap<Station>(
    STATIONS_MOST,
    () => new Station(),
    (station) => {
      station.ipv4 = 0;
      station.ipv6.clear();
      station.isRouter = false;
    },
  );

  /**
   * @param mac hardware address as a number, not 0
   * @param address whose answers were seen to arrive
   */
  learn(
    mac: number,
    address: { readonly key: number; readonly isInternal: boolean; readonly isIpv4: boolean },
    nowUs: number,
  ): void {
    const station = this.#stations.claim(mac);
    if (!address.isInternal) station.isRouter = true;
    else if (!station.isRouter) addAddress(station, address, nowUs);
    if (!address.isInternal) return;
    const source = this.#sources.claim(address.key);
    if (source.station === mac) return;
    source.station = mac;
    source.sinceUs = nowUs;
  }

  /** True when packets of the address came from its own station, known since before `beforeUs`. */
  isOwn(key: number, mac: number, beforeUs: number): boolean {
    const source = this.#sources.peek(key);
    if (source === undefined || source.station !== mac || source.sinceUs >= beforeUs) return false;
    return this.#stations.peek(mac)?.isRouter === false;
  }

  isRouter(mac: number): boolean {
    return this.#stations.peek(mac)?.isRouter === true;
  }

  save(out: StateWriter): void {
    this.#sources.save(out, ({ station, sinceUs }) => out.f64s([station, sinceUs]));
    this.#stations.save(out, ({ ipv4, ipv4SeenUs, ipv6, ipv6SinceUs, isRouter }) => {
      out.flag(isRouter);
      out.f64s([ipv4, ipv4SeenUs, ipv6SinceUs]);
      out.u32(ipv6.size);
      for (const key of ipv6) out.f64(key);
    });
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    this.#sources.restore(from, (source) => {
      source.station = from.natural();
      source.sinceUs = from.time();
    });
    this.#stations.restore(from, (station) => {
      station.isRouter = from.flag();
      station.ipv4 = from.natural();
      station.ipv4SeenUs = from.time();
      station.ipv6SinceUs = from.time();
      const n = from.count(IPV6_MOST);
      for (let i = 0; i < n; i++) station.ipv6.add(from.natural());
    });
  }
}

function addAddress(
  station: Station,
  { key, isIpv4 }: { readonly key: number; readonly isIpv4: boolean },
  nowUs: number,
): void {
  if (isIpv4) {
    const isSecond = station.ipv4 !== 0 && station.ipv4 !== key;
    if (isSecond && nowUs - station.ipv4SeenUs < LEASE_OVER_US) station.isRouter = true;
    station.ipv4 = key;
    station.ipv4SeenUs = nowUs;
    return;
  }
  if (nowUs - station.ipv6SinceUs > IPV6_PERIOD_US) {
    station.ipv6.clear();
    station.ipv6SinceUs = nowUs;
  }
  if (station.ipv6.size < IPV6_MOST || station.ipv6.has(key)) station.ipv6.add(key);
  else station.isRouter = true;
}
