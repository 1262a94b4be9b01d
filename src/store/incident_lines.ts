import { open, type FileHandle } from 'node:fs/promises';

import type { Incident } from '../domain/incident.js';
import { ThymusError } from '../errors.js';

/** One line of incidents.jsonl. `dropped` says that the incident was merged into another one. */
export type IncidentLine = { readonly incident: Incident } | { readonly dropped: string };

export function incidentLineText(line: IncidentLine): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * The incidents of a run in their last known state, in the order in which they were opened. Lines
 * that cannot be read (the last one of a run that was killed) are left out; a missing file is a run
 * without incidents.
 * @throws ThymusError UNREADABLE_INPUT when the file is there and cannot be read
 */
export async function readIncidentLines(path: string): Promise<Incident[]> {
  const file = await opened(path);
  if (file === null) return [];
  const incidents = new Map<string, Incident>();
  for await (const text of file.readLines({ encoding: 'utf8' })) {
    const line = parsed(text);
    if (line === null) continue;
    if ('dropped' in line) incidents.delete(line.dropped);
    else incidents.set(line.incident.id, line.incident);
  }
  return [...incidents.values()];
}

async function opened(path: string): Promise<FileHandle | null> {
  try {
    return await open(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const message = `${path} cannot be read (${code}): check its rights.`;
    throw new ThymusError('UNREADABLE_INPUT', message, { cause });
  }
}

function parsed(text: string): IncidentLine | null {
  try {
    const line = JSON.parse(text) as Partial<{
      incident: Partial<Incident>;
      dropped: string;
    }> | null;
    if (typeof line?.dropped === 'string') return { dropped: line.dropped };
    return isIncident(line?.incident) ? { incident: line.incident } : null;
  } catch {
    return null;
  }
}

function isIncident(value: Partial<Incident> | undefined): value is Incident {
  return (
    typeof value?.id === 'string' &&
    typeof value.entity?.address === 'string' &&
    typeof value.openedUs === 'number' &&
    Array.isArray(value.evidence) &&
    Array.isArray(value.detectors)
  );
}
