import { UseOrder } from './use_order.js';

/** What is known of a subscriber's session; empty texts and null where nobody said. */
export interface SessionFacts {
  imsi: string;
  msisdn: string;
  imei: string;
  apn: string;
  slice: string;
  rat: string;
  plmn: string;
  area: number | null;
  cell: number | null;
  ueAddress: string;
}

/** Which signalling speaks of a session. Two kinds may speak of one tunnel at the same time. */
export type SessionSource = 'gtp' | 'pfcp' | 'ran';

export interface Session extends SessionFacts {
  readonly source: SessionSource;
  /** Its other side has accepted it. */
  isConfirmed: boolean;
  /** When it was last spoken of. */
  lastUs: number;
  isEnded: boolean;
  readonly names: string[];
  readonly ends: string[];
  /** Where the table keeps it. */
  readonly place: number;
}

/** From when to when a tunnel's end belonged to a session. */
export interface Binding {
  readonly session: Session;
  readonly fromUs: number;
  toUs: number;
}

export interface SessionTableStats {
  readonly sessions: number;
  readonly sessionEvictions: number;
  readonly refusals: number;
}

export const SESSION_TABLE_DEFAULTS = { sessionsMost: 65_536 };

const MINUTE_US = 60e6;
/** In the order in which a full table forgets them. */
const LISTS = [0, 1, 2] as const;
const [UNCONFIRMED, ENDED, CONFIRMED] = LISTS;
/** The flows of a session that is over end within minutes. */
const LIVES_US = [MINUTE_US, 15 * MINUTE_US, 24 * 60 * MINUTE_US] as const;
const NAMES_MOST = 32;
const ENDS_MOST = 64;
const BINDINGS_MOST = 8;

/**
 * Sessions of subscribers by the ends of their tunnels, with the times at which each end was theirs.
 *
 * A session is unconfirmed until its other side accepts it. A full table forgets its oldest
 * unconfirmed session first, so that forged requests push out each other and never a session that
 * was accepted; then the one of which nobody has spoken for longest. Each has at most 32 names and
 * 64 ends, and is forgotten a minute after it was asked for and not accepted, 15 minutes after its
 * end, and a day after it was last spoken of. A session takes 2 to 3 KiB, so a full table
 * holds about 170 MiB.
 */
export class SessionTable {
  readonly #sessionsMost: number;
  readonly #places: (Session | null)[] = [];
  readonly #free: number[] = [];
  readonly #order = new UseOrder(LISTS.length);
  readonly #byName = new Map<string, Session>();
  readonly #byEnd = new Map<string, Binding[]>();
  #sessions = 0;
  #evictions = 0;
  #refusals = 0;

  constructor(sessionsMost = SESSION_TABLE_DEFAULTS.sessionsMost) {
    this.#sessionsMost = sessionsMost;
  }

  get stats(): SessionTableStats {
    return {
      sessions: this.#sessions,
      sessionEvictions: this.#evictions,
      refusals: this.#refusals,
    };
  }

  /** Sessions kept. */
  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** A new session, unconfirmed. */
  create(source: SessionSource, nowUs: number): Session {
    this.#expire(nowUs);
    if (this.size >= this.#sessionsMost) this.#evict();
    const place = this.#free.pop() ?? this.#places.length;
    const session: Session = {
      imsi: '',
      msisdn: '',
      imei: '',
      apn: '',
      slice: '',
      rat: '',
      plmn: '',
      area: null,
      cell: null,
      ueAddress: '',
      source,
      isConfirmed: false,
      lastUs: nowUs,
      isEnded: false,
      names: [],
      ends: [],
      place,
    };
    this.#places[place] = session;
    this.#order.add(UNCONFIRMED, place);
    this.#sessions++;
    return session;
  }

  find(name: string): Session | undefined {
    return this.#byName.get(name);
  }

  /** From now on `name` means this session. */
  name(session: Session, name: string): void {
    const owner = this.#byName.get(name);
    if (owner === session) return;
    // What was accepted keeps its names until another session was accepted, too.
    if (owner?.isConfirmed === true && !owner.isEnded && !session.isConfirmed) return;
    if (session.names.length >= NAMES_MOST) {
      this.#refusals++;
      return;
    }
    this.#byName.set(name, session);
    session.names.push(name);
  }

  /** From now on packets to `end` are the session's. */
  bind(session: Session, end: string, nowUs: number): void {
    const bindings = this.#byEnd.get(end) ?? [];
    const own = bindings.find((b) => b.session === session && b.toUs === Infinity);
    if (own !== undefined) return;
    if (!session.ends.includes(end)) {
      if (session.ends.length >= ENDS_MOST) {
        this.#refusals++;
        return;
      }
      session.ends.push(end);
    }
    if (session.isConfirmed) closeRivals(bindings, session, nowUs);
    bindings.push({ session, fromUs: nowUs, toUs: Infinity });
    if (bindings.length > BINDINGS_MOST) bindings.splice(leastWorth(bindings), 1);
    this.#byEnd.set(end, bindings);
  }

  /** The session was spoken of. */
  touch(session: Session, nowUs: number): void {
    if (!session.isConfirmed || session.isEnded) return;
    session.lastUs = nowUs;
    this.#order.renew(CONFIRMED, session.place);
  }

  /** Its other side accepts it: its ends are no longer those of earlier sessions. */
  confirm(session: Session, nowUs: number): void {
    if (session.isConfirmed || session.isEnded) return;
    this.#order.remove(UNCONFIRMED, session.place);
    session.isConfirmed = true;
    session.lastUs = nowUs;
    this.#order.add(CONFIRMED, session.place);
    for (const end of session.ends) {
      const bindings = this.#byEnd.get(end) ?? [];
      if (bindings.some((b) => b.session === session)) closeRivals(bindings, session, nowUs);
    }
  }

  /** It is over, or was refused. */
  end(session: Session, nowUs: number): void {
    if (session.isEnded) return;
    if (!session.isConfirmed) {
      this.#forget(session);
      return;
    }
    this.#order.remove(CONFIRMED, session.place);
    session.isEnded = true;
    session.lastUs = nowUs;
    this.#order.add(ENDED, session.place);
    for (const end of session.ends) {
      for (const binding of this.#byEnd.get(end) ?? []) {
        if (binding.session === session) binding.toUs = Math.min(binding.toUs, nowUs);
      }
    }
  }

  /** All bindings of an end, oldest first. */
  bindingsOf(end: string): readonly Binding[] {
    return this.#byEnd.get(end) ?? [];
  }

  #expire(nowUs: number): void {
    for (const list of LISTS) {
      const oldest = (): Session => this.#places[this.#order.oldestOf(list)]!;
      while (this.#order.sizeOf(list) > 0 && oldest().lastUs < nowUs - LIVES_US[list]) {
        this.#forget(oldest());
      }
    }
  }

  #evict(): void {
    const list = LISTS.find((other) => this.#order.sizeOf(other) > 0)!;
    this.#forget(this.#places[this.#order.oldestOf(list)]!);
    this.#evictions++;
  }

  #forget(session: Session): void {
    const list = session.isEnded ? ENDED : session.isConfirmed ? CONFIRMED : UNCONFIRMED;
    this.#order.remove(list, session.place);
    this.#places[session.place] = null;
    this.#free.push(session.place);
    session.isEnded = true;
    for (const name of session.names) {
      if (this.#byName.get(name) === session) this.#byName.delete(name);
    }
    for (const end of session.ends) {
      const others = (this.#byEnd.get(end) ?? []).filter((b) => b.session !== session);
      if (others.length === 0) this.#byEnd.delete(end);
      else this.#byEnd.set(end, others);
    }
  }
}

/** An end belongs to one session of each kind of signalling at a time. */
function closeRivals(bindings: readonly Binding[], session: Session, nowUs: number): void {
  for (const binding of bindings) {
    const isRival = binding.session !== session && binding.session.source === session.source;
    if (isRival) binding.toUs = Math.min(binding.toUs, nowUs);
  }
}

/** Of those but the newest: the oldest that nobody accepted, else the oldest. */
function leastWorth(bindings: readonly Binding[]): number {
  const at = bindings.slice(0, -1).findIndex((binding) => !binding.session.isConfirmed);
  return at < 0 ? 0 : at;
}
