/** What the lab did, from its own clock. Times are microseconds since 1970. */
export interface Note {
  readonly fromUs: number;
  readonly toUs: number;
  readonly what: string;
  readonly hosts: readonly string[];
  /** Of the awkward kinds that are no attack, which; only where a data set is made. */
  readonly activity?: Activity;
}

/** What is no attack and looks like one to nervous systems. */
export type Activity =
  | 'polling'
  | 'backup'
  | 'roll_out'
  | 'admin_scan'
  | 'new_device'
  | 'failing_service'
  | 'flash_crowd';

/** What making one capture leaves beside it. */
export interface CaptureLog {
  /** Of the scenario, attack or benign session that was played. */
  readonly scenario: string;
  readonly seed: number;
  readonly intensity: number;
  /** Frames that the capture had no room for. */
  readonly drops: number;
  readonly notes: readonly Note[];
}

export class LabLog {
  readonly notes: Note[] = [];

  /** Runs the work and notes when it was done. */
  async during(
    what: string,
    hosts: readonly string[],
    work: () => Promise<unknown>,
  ): Promise<Note> {
    const fromUs = nowUs();
    await work();
    return this.#add({ fromUs, toUs: nowUs(), what, hosts });
  }

  /** As `during`, for what is awkward and no attack. */
  async awkward(
    activity: Activity,
    what: string,
    doing: { readonly hosts: readonly string[]; readonly work: () => Promise<unknown> },
  ): Promise<Note> {
    const fromUs = nowUs();
    await doing.work();
    return this.#add({ fromUs, toUs: nowUs(), what, hosts: doing.hosts, activity });
  }

  #add(note: Note): Note {
    this.notes.push(note);
    process.stderr.write(`  ${((note.toUs - note.fromUs) / 1e6).toFixed(1)} s  ${note.what}\n`);
    return note;
  }
}

function nowUs(): number {
  return Date.now() * 1000;
}
