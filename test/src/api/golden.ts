import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// Tests run from dist/test/src/api; the golden files stand beside their sources.
const folder = new URL('../../../../test/src/api/golden/', import.meta.url);

/** Compares with test/src/api/golden/NAME; UPDATE_GOLDEN=1 writes it anew. */
export function assertGolden(name: string, text: string): void {
  const path = fileURLToPath(new URL(name, folder));
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, 'utf8'));
}

/** What test/src/api/golden/NAME holds now. */
export const readGolden = (name: string): string =>
  readFileSync(fileURLToPath(new URL(name, folder)), 'utf8');
