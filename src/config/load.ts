import { readFileSync } from 'node:fs';
import { ThymusError } from '../errors.js';
import { SETTINGS_SCHEMA } from './schema.js';
import { SETTINGS, type RawSettings, type SettingName, type Settings } from './settings.js';

const ACTUATORS_SECTION = 'actuators';

type Checked = Partial<Record<string, unknown>>;

/**
 * All settings: flags win over the file, the file over the defaults.
 * @param flags values given on the command line or by a program
 * @param file path of a YAML file, or null
 * @throws ThymusError USAGE for a flag, CONFIG_INVALID for the file; one sentence with the key
 */
export async function loadSettings(flags: RawSettings, file: string | null): Promise<Settings> {
  const fromFile = file === null ? {} : await readSettingsFile(file);
  const fromFlags = check(flags, (text) => new ThymusError('USAGE', text), flagName);
  return merge({ ...fromFile, ...fromFlags });
}

/** Names of the settings that two sets differ in. */
export function alteredSettings(before: Settings, after: Settings): SettingName[] {
  return SETTINGS.map((row) => row.name).filter((name) => {
    const key = camelCase(name) as keyof Settings;
    return JSON.stringify(before[key]) !== JSON.stringify(after[key]);
  });
}

const invalidFile =
  (path: string) =>
  (why: string): ThymusError =>
    new ThymusError('CONFIG_INVALID', `The configuration file ${path} ${why}`);

async function parsedFile(path: string): Promise<object> {
  const invalid = invalidFile(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code}): check its path.`);
  }
  const { parse } = await import('yaml');
  let values: unknown;
  try {
    values = parse(text) ?? {};
  } catch (error) {
    const [firstLine] = (error as Error).message.split('\n');
    throw invalid(`is not valid YAML: ${firstLine?.replace(/:$/, '')}.`);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw invalid("must be a list of settings such as 'lanes: 2'.");
  }
  return values;
}

async function readSettingsFile(path: string): Promise<Checked> {
  const values = await parsedFile(path);
  const invalid = invalidFile(path);
  // The section that the responder reads itself.
  const { [ACTUATORS_SECTION]: _, ...settings } = values as Checked;
  return check(settings, (why) => invalid(`is refused: ${why}`), keyName);
}

/**
 * What the configuration file says of actuators, not checked yet; undefined where it says nothing.
 * @throws ThymusError CONFIG_INVALID when the file cannot be read
 */
export async function actuatorsSection(path: string): Promise<unknown> {
  return ((await parsedFile(path)) as Checked)[ACTUATORS_SECTION];
}

const keyName = (key: string): string => `'${key}'`;
const flagName = (key: string): string => `'--${key}'`;

function check(
  values: object,
  refuse: (sentence: string) => ThymusError,
  show: (key: string) => string,
): Checked {
  const result = SETTINGS_SCHEMA.safeParse(values);
  if (result.success) return withoutUndefined(result.data);
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const names = SETTINGS.map((row) => row.name).join(', ');
    throw refuse(`${show(issue.keys[0] ?? '')} is no setting; there are ${names}.`);
  }
  const key = String(issue?.path[0] ?? '');
  const given = JSON.stringify((values as Checked)[key]);
  throw refuse(`${show(key)} ${issue?.message ?? 'is wrong'}, not ${given}.`);
}

const withoutUndefined = (values: Checked): Checked =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const camelCase = (name: string): string =>
  name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function merge(given: Checked): Settings {
  const entries = SETTINGS.map((row) => [camelCase(row.name), given[row.name] ?? row.fallback]);
  const settings: unknown = Object.fromEntries(entries);
  return settings as Settings;
}
