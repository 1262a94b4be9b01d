import { Option, type Command } from 'commander';
import { SETTINGS, type RawSettings, type Setting, type SettingName } from '../config/settings.js';

/** Adds a flag for each of the settings, described as the list of settings does. */
export function addSettingFlags(command: Command, names: readonly SettingName[]): Command {
  for (const row of SETTINGS) {
    if (!names.includes(row.name)) continue;
    command.addOption(new Option(`--${row.name} <${row.value}>`, describe(row)));
    if (row.name === 'store') command.option('--no-store', 'keep nothing, same as --store none');
  }
  return command.option('--config <file>', 'YAML file with any of these settings; flags win');
}

function describe(row: Setting): string {
  const notes = [
    row.unit,
    row.range && `${row.range[0]} to ${row.range[1]}`,
    row.choices?.join(', '),
    row.fallback !== null && `default: ${[row.fallback].flat().join(',')}`,
  ].filter(Boolean);
  return notes.length === 0 ? row.doc : `${row.doc} (${notes.join('; ')})`;
}

/** The settings among the options that commander has parsed, as raw values. */
export function settingsOf(options: Readonly<Record<string, unknown>>): RawSettings {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const { name } of SETTINGS) {
    const value = options[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    // A flag without its value asks for what the setting says.
    if (value === undefined || value === true) continue;
    values[name] = name === 'store' && value === false ? 'none' : value;
  }
  return values;
}
