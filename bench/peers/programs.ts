import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that reads the trace and does something with its flows. */
export interface Program {
  readonly name: string;
  /** What of its work the figures hold. */
  readonly does: string;
  /** Command and arguments; null when it is not installed. */
  command(trace: string, scratch: string): readonly string[] | null;
  /** The same on a capture without packets is subtracted. */
  readonly hasStartUp: boolean;
  /** Reads only so many packets, since it needs minutes for all; its cost is scaled up. */
  readonly mostPackets?: number;
}

const BUILT = 'build/tests';

export const BARE_WALK: Program = {
  name: 'bare walk',
  does: 'reads and counts',
  command: (trace) => [join(BUILT, 'bare_walk'), trace],
  hasStartUp: false,
};

/** In the order of the table. Peers come from Debian's packages and are left out where absent. */
export const PROGRAMS: readonly Program[] = [
  {
    name: 'thymus native',
    does: 'flows, protocols, records; no judgement',
    command: (trace) => [join(BUILT, 'core_replay'), trace],
    hasStartUp: false,
  },
  {
    name: 'thymus whole',
    does: 'the same, and all detectors',
    command: (trace) => [process.execPath, 'bin/thymus', 'replay', '--no-store', '--quiet', trace],
    hasStartUp: true,
  },
  {
    name: 'softflowd',
    does: 'flows, exported as NetFlow',
    // Port 9 of this machine: the discard service.
    command: (trace) => installed('softflowd', ['-r', trace, '-n', '127.0.0.1:9', '-m', '2000000']),
    hasStartUp: true,
  },
  {
    name: 'nfpcapd',
    does: 'flows, written to files',
    command: (trace, scratch) => installed('nfpcapd', ['-r', trace, '-w', scratch]),
    hasStartUp: true,
  },
  {
    name: 'ndpiReader',
    does: 'flows and protocols',
    command: (trace) => installed('ndpiReader', ['-q', '-i', trace]),
    hasStartUp: true,
  },
  {
    name: 'tshark',
    does: 'dissects, prints nothing',
    command: (trace) => installed('tshark', ['-r', trace, '-c', '200000', '-Y', 'frame.number==0']),
    hasStartUp: true,
    mostPackets: 200_000,
  },
];

function installed(name: string, args: readonly string[]): readonly string[] | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const folder = folders.find((candidate) => existsSync(join(candidate, name)));
  return folder === undefined ? null : [join(folder, name), ...args];
}
