import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { DeviceRecord } from '../domain/device.js';
import type { Incident } from '../domain/incident.js';
import { ThymusError } from '../errors.js';
import { readIncidentLines } from './incident_lines.js';
import { readDeviceLines } from './device_lines.js';
import { DEVICES_FILE, INCIDENTS_FILE, runsDirectory } from './run_files.js';
import { compareRunIds, isRunId } from './run_id.js';
import { readRunRecord, type RunRecord } from './run_record.js';

export interface KeptIncident {
  readonly run: RunRecord;
  readonly incident: Incident;
}

/**
 * Reads the runs of a state directory. Whatever is no run of this version (a damaged directory,
 * other people's files, a run of a newer version) is passed over.
 */
export class RunArchive {
  readonly #stateDirectory: string;

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  /** All runs, the newest first. */
  runs(): RunRecord[] {
    return this.#runIds()
      .map((id) => this.#record(id))
      .filter((record) => record !== null);
  }

  /**
   * The run of this id, else the newest whose id begins with it.
   * @throws ThymusError NO_SUCH_INCIDENT when there is none
   */
  run(prefix = ''): RunRecord {
    const matching = this.#runIds().filter((id) => id.startsWith(prefix));
    const exact = matching.filter((id) => id === prefix);
    for (const id of [...exact, ...matching]) {
      const record = this.#record(id);
      if (record !== null) return record;
    }
    throw new ThymusError('NO_SUCH_INCIDENT', this.#noRun(prefix));
  }

  /** The incidents of a run in the order in which they were opened. */
  incidents(run: RunRecord): Promise<Incident[]> {
    return readIncidentLines(join(this.#directory(run.id), INCIDENTS_FILE));
  }

  /**
   * The devices of a run, those met first first.
   * @throws ThymusError NO_SUCH_DEVICE when it kept none
   */
  devices(run: RunRecord): DeviceRecord[] {
    const devices = readDeviceLines(join(this.#directory(run.id), DEVICES_FILE));
    if (devices !== null) return devices;
    const why = run.endedAt === null ? 'has not ended' : "was made without '--store devices'";
    throw new ThymusError('NO_SUCH_DEVICE', `Run ${run.id} has no inventory: it ${why}.`);
  }

  /**
   * One incident.
   * @param id RUN/INCIDENT, where RUN may be the beginning of a run's id, or INCIDENT of the newest run
   * @throws ThymusError NO_SUCH_INCIDENT
   */
  async incident(id: string): Promise<KeptIncident> {
    const slash = id.indexOf('/');
    const run = this.run(slash < 0 ? '' : id.slice(0, slash));
    const wanted = id.slice(slash + 1);
    const incidents = await this.incidents(run);
    const incident = incidents.find((one) => one.id === wanted);
    if (incident !== undefined) return { run, incident };
    throw new ThymusError('NO_SUCH_INCIDENT', noIncident(run, wanted, incidents));
  }

  #runIds(): string[] {
    try {
      const names = readdirSync(runsDirectory(this.#stateDirectory));
      return names.filter(isRunId).sort((a, b) => compareRunIds(b, a));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw new ThymusError(
        'UNREADABLE_INPUT',
        `The state directory ${this.#stateDirectory} cannot be read (${code ?? message}): ` +
          `check its rights or name another one with --state.`,
        { cause: error },
      );
    }
  }

  #record(id: string): RunRecord | null {
    const record = readRunRecord(this.#directory(id));
    return record?.id === id ? record : null;
  }

  #directory(id: string): string {
    return join(runsDirectory(this.#stateDirectory), id);
  }

  #noRun(prefix: string): string {
    if (prefix !== '')
      return `No run that begins with '${prefix}' is kept in ${this.#stateDirectory}.`;
    return `No run is kept in ${this.#stateDirectory}: start one with 'thymus replay FILE'.`;
  }
}

function noIncident(run: RunRecord, wanted: string, incidents: readonly Incident[]): string {
  if (incidents.length === 0) return `Run ${run.id} has no incident '${wanted}': it found none.`;
  const ids = incidents.slice(0, 10).map((one) => one.id);
  const more = incidents.length > ids.length ? ', ...' : '';
  return `Run ${run.id} has no incident '${wanted}': there are ${ids.join(', ')}${more}.`;
}
