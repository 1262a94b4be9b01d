import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/*
 * STATE/stream/SOURCES/SESSION.FIRST: frames of one session from number FIRST on. SESSION is the
 * time of its start, so that names sort by time. A frame is its length and its CRC-32, four bytes
 * each with the lowest first, and its bytes.
 */

export const FRAME_HEAD_BYTES = 8;
export const MOST_FRAME_BYTES = 16 * 1024 * 1024;
const MOST_SEGMENTS = 256;

/** Place of a frame in the stream: which process said it, and its number there, from 1. */
export interface Position {
  readonly session: string;
  /** 0: before the first. */
  readonly seq: number;
}

export interface Segment extends Position {
  readonly name: string;
}

const NAME = /^([0-9a-f]{12})\.(\d{10})$/;
const CURSOR = /^([0-9a-f]{12})\.(\d{1,10})$/;

/** A position as text. */
export const cursorOf = ({ session, seq }: Position): string => `${session}.${seq}`;

/** @returns null when the text is no position */
export function positionOf(cursor: string): Position | null {
  const [, session, seq] = CURSOR.exec(cursor) ?? [];
  return session === undefined ? null : { session, seq: Number(seq) };
}

export const segmentName = (session: string, seq: number): string =>
  `${session}.${String(seq).padStart(10, '0')}`;

/** The name of a session that begins now, after the newest that is there. */
export function sessionName(nowMs: number, newest: string | undefined): string {
  const least = newest === undefined ? 0 : parseInt(newest, 16) + 1;
  return Math.max(nowMs, least).toString(16).padStart(12, '0');
}

/** Those of a directory, the oldest first. */
export function listSegments(directory: string): Segment[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const [, session, seq] = NAME.exec(name) ?? [];
      return session === undefined ? [] : { name, session, seq: Number(seq) };
    });
}

/** Deletes the oldest segments until the rest fits. */
export function dropOldest(directory: string, mostBytes: number): void {
  const segments = listSegments(directory).map((segment) => join(directory, segment.name));
  let bytes = 0;
  const kept = segments.reverse().findIndex((path, i) => {
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return bytes > mostBytes || i >= MOST_SEGMENTS;
  });
  if (kept < 0) return;
  for (const path of segments.slice(kept)) rmSync(path, { force: true });
}
