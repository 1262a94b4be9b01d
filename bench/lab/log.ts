/** What the lab did, from its own clock. Times are microseconds since 1970. */
export interface Note {
  readonly fromUs: number;
  readonly toUs: number;
  readonly what: string;
  readonly hosts: readonly string[];
}

/** What making one capture leaves beside it. */
export interface CaptureLog {
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
    const note = { fromUs, toUs: nowUs(), what, hosts };
    this.notes.push(note);
    process.stderr.write(`  ${((note.toUs - fromUs) / 1e6).toFixed(1)} s  ${what}\n`);
    return note;
  }
}

function nowUs(): number {
  return Date.now() * 1000;
}
