import { readFileSync } from 'node:fs';

import type { DeviceRecord } from '../domain/device.js';
import { ThymusError } from '../errors.js';
import { OutputFile } from './output_file.js';

/**
 * Writes the devices of a run, one a line of JSON.
 * @throws ThymusError OUTPUT_FAILED
 */
export function writeDeviceLines(path: string, devices: readonly DeviceRecord[]): void {
  const file = new OutputFile(path);
  for (const device of devices) file.writeText(`${JSON.stringify(device)}\n`);
  file.close();
}

/**
 * The devices of a run; null when it kept none. Lines that cannot be read are left out.
 * @throws ThymusError UNREADABLE_INPUT when the file is there and cannot be read
 */
export function readDeviceLines(path: string): DeviceRecord[] | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const message = `${path} cannot be read (${code}): check its rights.`;
    throw new ThymusError('UNREADABLE_INPUT', message, { cause });
  }
  return text.split('\n').flatMap((line) => parsed(line) ?? []);
}

function parsed(line: string): DeviceRecord | null {
  try {
    const device = JSON.parse(line) as Partial<DeviceRecord>;
    const isDevice = typeof device.id === 'string' && Array.isArray(device.leases);
    return isDevice ? (device as DeviceRecord) : null;
  } catch {
    return null;
  }
}
