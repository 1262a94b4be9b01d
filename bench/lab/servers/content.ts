import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../random.js';

export const PAGES = 24;
export const PICTURES = 12;
/** Of the program interface, below /api/items/. */
export const ITEMS = 400;

const WORDS = 'the quick office printer needs paper again while every report waits for lunch'.split(
  ' ',
);

/** Fills a web root: pages of text of varied length, pictures, and a small version file. */
export function writeContent(folder: string, random: Random): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < PAGES; i++) writeFileSync(join(folder, `${i}.html`), page(random));
  for (let i = 0; i < PICTURES; i++) {
    writeFileSync(join(folder, `${i}.jpg`), random.bytes(random.integer(1_000, 7_000)));
  }
  mkdirSync(join(folder, 'api/items'), { recursive: true });
  for (let i = 0; i < ITEMS; i++)
    writeFileSync(join(folder, 'api/items', String(i)), item(i, random));
  writeFileSync(join(folder, 'version.txt'), `1.${random.integer(0, 99)}\n`);
}

/** A file of bytes that do not compress, as software and pictures are. */
export function writeBlob(file: string, random: Random, bytes: number): void {
  writeFileSync(file, random.bytes(bytes));
}

function page(random: Random): string {
  const words = Array.from({ length: random.integer(40, 700) }, () => random.pick(WORDS));
  return `<!doctype html><title>${words.slice(0, 4).join(' ')}</title><p>${words.join(' ')}</p>\n`;
}

function item(id: number, random: Random): string {
  const tags = Array.from({ length: random.integer(2, 20) }, () => random.pick(WORDS));
  return `${JSON.stringify({ id, price: random.integer(1, 9999), tags })}\n`;
}
