import type { Command } from 'commander';
import { AUTONOMY_MODES } from '../domain/action.js';

const FLAG = '--respond';
const COMMANDS: ReadonlySet<string | undefined> = new Set(['replay', 'watch']);
const MODES: ReadonlySet<string | undefined> = new Set(AUTONOMY_MODES);

/** Adds `--respond [mode]`. Its value is true where the mode is that of the settings. */
export function addModeFlag(command: Command, what: string): Command {
  const modes = AUTONOMY_MODES.join(', ');
  return command.option(`${FLAG} [mode]`, `${what} (${modes})`, (mode: string) => mode || true);
}

/**
 * The flag takes what follows it only where that is a mode: in `--respond a.pcap` it is a file, which
 * commander would take for one.
 */
export function withModesApart(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const isAlone = (arg: string, i: number): boolean =>
    arg === FLAG && i < end && !MODES.has(args[i + 1]);
  return COMMANDS.has(args[0])
    ? args.map((arg, i) => (isAlone(arg, i) ? `${FLAG}=` : arg))
    : [...args];
}
