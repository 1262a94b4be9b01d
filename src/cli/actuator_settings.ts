import { closeSync, readFileSync } from 'node:fs';
import { actuatorsSection } from '../config/load.js';
import { ThymusError } from '../errors.js';
import { ACTUATORS_SCHEMA, type ActuatorSettings } from '../response/actuators/settings.js';
import { replaceFile } from '../store/durable.js';
import type { ResponseFiles } from '../store/response_files.js';

/**
 * Through what is acted: the section `actuators` of the configuration file, or, where no file is
 * named, what the last responder here was started with.
 * @throws ThymusError CONFIG_INVALID
 */
export async function actuatorSettings(
  files: ResponseFiles,
  config: string | null,
): Promise<ActuatorSettings> {
  const section = config === null ? kept(files.actuators) : await actuatorsSection(config);
  const result = ACTUATORS_SCHEMA.safeParse(section ?? []);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = ['actuators', ...(issue?.path ?? [])].join('.');
  const from = config ?? files.actuators;
  throw new ThymusError(
    'CONFIG_INVALID',
    `The configuration file ${from} is refused: '${where}' ${issue?.message ?? 'is wrong'}.`,
  );
}

/** @throws ThymusError OUTPUT_FAILED */
export function keepActuatorSettings(files: ResponseFiles, settings: ActuatorSettings): void {
  closeSync(replaceFile(files.actuators, Buffer.from(`${JSON.stringify(settings)}\n`)));
}

function kept(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const message = `The configuration file ${path} cannot be read: name another with --config.`;
    throw new ThymusError('CONFIG_INVALID', message, { cause });
  }
}
