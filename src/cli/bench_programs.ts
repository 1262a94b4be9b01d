import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { ThymusError } from '../errors.js';
import { complain } from './console.js';
import { projectPath } from './project_paths.js';

const execute = promisify(execFile);
const BUILD_DIR = projectPath('build/tests');

export type NativeProgram = 'bare_walk' | 'trace_maker';

/** Path of one of the native bench programs, which is built when it is not there. */
export async function nativeProgram(name: NativeProgram): Promise<string> {
  const path = projectPath(`build/tests/${name}`);
  if (!existsSync(path)) await build(name);
  return path;
}

async function build(name: NativeProgram): Promise<void> {
  complain(`Building ${name}, once...\n`);
  const configure = ['-S', projectPath('.'), '-B', BUILD_DIR, '-DTHYMUS_TESTS=ON'];
  try {
    await execute('cmake', [...configure, '-DCMAKE_BUILD_TYPE=Release']);
    await execute('cmake', ['--build', BUILD_DIR, '--target', name, '-j', '2']);
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    const why = stderr.trim().split('\n').pop() ?? '';
    throw new ThymusError(
      'INTERNAL',
      `The bench program ${name} cannot be built (${why}): run 'npm run setup' and try again.`,
      { cause },
    );
  }
}

/** Runs a program to its end. @returns its standard output */
export async function output(path: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(path, [...args], { maxBuffer: 1 << 20 });
    return stdout;
  } catch (cause) {
    const { stderr = '', message } = cause as Error & { stderr?: string };
    const why = stderr.trim().split('\n').pop() || message.split('\n', 1)[0]!;
    throw new ThymusError('UNREADABLE_INPUT', `A run of the bench failed: ${why}`, { cause });
  }
}
