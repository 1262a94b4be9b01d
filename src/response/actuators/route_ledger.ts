import { z } from 'zod';
import { readIfThere, replaceFile } from './atomic_file.js';

const FILE = z.strictObject({
  version: z.literal(1),
  routes: z.record(z.string(), z.array(z.string())),
});

/**
 * Which actions each route is announced for, in a file that is written before a route is announced
 * and after it is withdrawn: a route cannot carry an id by itself.
 */
export class RouteLedger {
  readonly path: string;
  #owners: Map<string, readonly string[]> | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws where the file cannot be read */
  async owners(): Promise<ReadonlyMap<string, readonly string[]>> {
    if (this.#owners === null) {
      const text = await readIfThere(this.path);
      const routes = text === null ? {} : FILE.parse(JSON.parse(text)).routes;
      this.#owners = new Map(Object.entries(routes));
    }
    return this.#owners;
  }

  /** @throws where the file cannot be written; then nothing has changed */
  async replace(owners: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const routes = Object.fromEntries(owners);
    await replaceFile(this.path, `${JSON.stringify({ version: 1, routes })}\n`, 0o600);
    this.#owners = new Map(owners);
  }
}
