import type { Alarm, Incident } from '../domain/incident.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { tickOf } from '../domain/tick.js';
import { NO_PRIORS, type LanePriors } from '../domain/lane_priors.js';
import { CaseFile, causeOf, peersOf, type Cause } from './case_file.js';

/** An incident that was quiet for longer takes no new alarms: six hours. */
const WINDOW_US = 6 * 3600e6;

/** Incidents that can still grow, at most; the one quiet for longest is finished early. */
const OPEN_MOST = 1024;

/**
 * Open incidents of outside hosts with one detector, from which on another outside host joins the
 * youngest of them: five detectors' worth is what a person reads.
 */
const CROWD_LEAST = 10;

/**
 * Makes incidents of alarms. Runs in one thread over the alarms of all shards in their total order
 * (domain/incident.ts, compareAlarms), so it depends on nothing else.
 *
 * An alarm belongs to an incident of the last six hours when that incident has its entity, when
 * evidence connects its entity with one of the incident's, or when it has the same cause: the same
 * detector about the same peer. If it belongs to several, they become one, under the oldest's
 * number. An outside host joins a crowd: there are ten incidents of such that the same detector
 * opened. Otherwise it opens a new one.
 */
export class IncidentBook {
  /** Incidents that can still grow, oldest first. */
  #open: CaseFile[] = [];
  #finished: CaseFile[] = [];
  #opened = 0;
  #grown: CaseFile | null = null;
  readonly #priors: LanePriors;

  constructor(priors = NO_PRIORS) {
    this.#priors = priors;
  }

  /**
   * @returns the incident that the alarm opened, or the one of an earlier run that it is the first
   * to add to; null when it belongs to a known one
   */
  add(alarm: Alarm): Incident | null {
    this.#retire(alarm.timeUs);
    const cause = causeOf(alarm);
    const peers = peersOf(alarm);
    const related = this.#open.filter(
      (file) =>
        file.has(alarm.entity.key) || file.isConnected(alarm, peers) || file.hasSameCause(cause),
    );
    const oldest = related[0] ?? this.#crowdOf(cause);
    if (oldest === undefined) return this.#openNew(alarm);
    const wasCarriedOver = oldest.isCarriedOver;
    for (const younger of related.slice(1)) oldest.absorb(younger);
    oldest.add(alarm);
    if (related.length > 1) {
      const absorbed = new Set(related.slice(1));
      this.#open = this.#open.filter((file) => !absorbed.has(file));
    }
    if (wasCarriedOver && !oldest.isCarriedOver) return this.#tell(oldest, alarm);
    if (alarm.state !== 'closed' && tickOf(alarm.timeUs) > oldest.toldTick) {
      oldest.toldTick = tickOf(alarm.timeUs);
      this.#grown = oldest;
    }
    return null;
  }

  /** The incident that the last alarm let grow, unless that was said in this tick; null: none. */
  takeGrown(): Incident | null {
    const grown = this.#grown;
    this.#grown = null;
    return grown === null || grown.isCarriedOver ? null : grown.toIncident(this.#priors);
  }

  /**
   * The incidents that can no longer grow, in their last state, each once; `finish` does not say
   * them again.
   * @param nowUs no later alarm is before it
   */
  takeFinished(nowUs: number): Incident[] {
    this.#retire(nowUs);
    const finished = this.#finished;
    this.#finished = [];
    return finished
      .filter((file) => !file.isCarriedOver)
      .map((file) => file.toIncident(this.#priors));
  }

  /**
   * All other incidents of this run as they stand, by their number. One that was merged into another
   * is not there.
   */
  finish(): Incident[] {
    const files = [...this.#finished, ...this.#open].filter((file) => !file.isCarriedOver);
    files.sort((a, b) => Number(a.id) - Number(b.id));
    return files.map((file) => file.toIncident(this.#priors));
  }

  /** Writes the incidents that can still grow, and how many there were. */
  save(out: StateWriter): void {
    out.u32(this.#opened);
    out.u32(this.#open.length);
    for (const file of this.#open) out.part(() => file.save(out));
  }

  /** Goes on with the incidents of an earlier run, and with their numbers. REQUIRES: it is empty. */
  restore(from: StateReader): void {
    this.#opened = from.u32();
    const n = from.count(OPEN_MOST);
    this.#open = Array.from({ length: n }, () => CaseFile.restored(from.part()));
  }

  /** The incident that takes in who does from outside what many already do; hosts here never. */
  #crowdOf(cause: Cause): CaseFile | undefined {
    if (cause.kind !== 'external') return undefined;
    const crowd = this.#open.filter((file) => file.isOfKind(cause));
    return crowd.length < CROWD_LEAST ? undefined : crowd.at(-1);
  }

  #openNew(alarm: Alarm): Incident {
    const file = new CaseFile(String(++this.#opened), alarm);
    file.add(alarm);
    this.#open.push(file);
    if (this.#open.length > OPEN_MOST) this.#finishQuietest();
    return this.#tell(file, alarm);
  }

  #tell(file: CaseFile, { timeUs }: Alarm): Incident {
    file.toldTick = tickOf(timeUs);
    return file.toIncident(this.#priors);
  }

  #retire(nowUs: number): void {
    const isQuiet = (file: CaseFile): boolean => nowUs - file.lastSeenUs > WINDOW_US;
    if (!this.#open.some(isQuiet)) return;
    this.#finished.push(...this.#open.filter(isQuiet));
    this.#open = this.#open.filter((file) => !isQuiet(file));
  }

  #finishQuietest(): void {
    const quietest = this.#open.reduce((a, b) => (b.lastSeenUs < a.lastSeenUs ? b : a));
    this.#finished.push(quietest);
    this.#open = this.#open.filter((file) => file !== quietest);
  }
}
