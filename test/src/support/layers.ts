import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

import ts from 'typescript';

/** One file looks at another; paths from the root of its language, with forward slashes. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Rooms (folders, or single files at the top) by floor, the ground first. */
export type Floors = readonly (readonly string[])[];

/** All files below `root` that end in one of `extensions`, as paths from `root`. */
export function filesBelow(root: string, extensions: readonly string[]): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.some((end) => entry.name.endsWith(end)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** What the files below `root` include with quotes: project headers, written from `root`. */
export function nativeEdges(root: string): Edge[] {
  return filesBelow(root, ['.h', '.cc', '.def']).flatMap((from) =>
    [...readFileSync(join(root, from), 'utf8').matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)].map(
      ([, to = '']) => ({ from, to: to.includes('/') ? to : posix.join(posix.dirname(from), to) }),
    ),
  );
}

/** What the TypeScript files below `root` import of each other, types included. */
export function typescriptEdges(root: string): Edge[] {
  return filesBelow(root, ['.ts']).flatMap((from) =>
    ts
      .preProcessFile(readFileSync(join(root, from), 'utf8'))
      .importedFiles.map(({ fileName }) => fileName)
      .filter((name) => name.startsWith('.'))
      .map((name) => ({
        from,
        to: posix.join(posix.dirname(from), name).replace(/\.js$/, '.ts'),
      })),
  );
}

export const roomOf = (path: string): string => path.split('/')[0] ?? path;

/** Sentences about edges that do not stay in their room or point to a lower floor. */
export function upwardEdges(edges: readonly Edge[], floors: Floors): string[] {
  const floorOf = (path: string): number => {
    const floor = floors.findIndex((rooms) => rooms.includes(roomOf(path)));
    if (floor < 0) throw new Error(`${path} lies in no room of the house`);
    return floor;
  };
  return edges
    .filter(({ from, to }) => roomOf(from) !== roomOf(to) && floorOf(from) <= floorOf(to))
    .map(({ from, to }) => `${from} looks at ${to}`);
}

/** One circle of files, as its members in order, or none. */
export function findCircle(edges: readonly Edge[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (path: readonly string[], file: string): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of targets.get(file) ?? []) {
      const circle = visit([...path, file], next);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of targets.keys()) {
    const circle = visit([], file);
    if (circle.length > 0) return circle;
  }
  return [];
}
