import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import {
  FRAME_HEAD_BYTES,
  listSegments,
  MOST_FRAME_BYTES,
  type Position,
  type Segment,
} from './frame_segments.js';

/** A frame as FrameLog has kept it. */
export interface KeptFrame {
  readonly position: Position;
  readonly bytes: Uint8Array;
}

/**
 * The frames after a position, those of later sessions too, as far as they are written now.
 * @param after null: from the oldest on
 * @returns null among them wherever frames that were there are kept no more, or the position never
 *   was; nothing at all where nothing comes after it
 */
export async function* framesAfter(
  directory: string,
  after: Position | null,
): AsyncGenerator<KeptFrame | null, void, undefined> {
  const segments = segmentsOf(directory);
  const begin = after === null ? 0 : segmentOf(segments, after);
  let last = begin < 0 ? null : after;
  // Whether `last` itself was met: behind it nothing of its session is missing then.
  let isMet = false;
  if (begin < 0) yield null;
  for (const segment of segments.slice(Math.max(begin, 0))) {
    if (last !== null && !follows(segment, last, isMet)) yield null;
    isMet = segment.seq === 1 && last?.seq === 0;
    for await (const frame of framesOf(directory, segment)) {
      isMet = true;
      if (last?.session === segment.session && frame.position.seq <= last.seq) {
        isMet = frame.position.seq === last.seq;
        continue;
      }
      last = frame.position;
      yield frame;
    }
  }
}

/** Where the frame after a position would be; -1 where it is not kept. */
function segmentOf(segments: readonly Segment[], { session, seq }: Position): number {
  return segments.findLastIndex((one) => one.session === session && one.seq <= seq + 1);
}

/** True when nothing is missing between a frame and a segment. */
const follows = (segment: Segment, last: Position, isMet: boolean): boolean =>
  segment.session === last.session ? segment.seq <= last.seq + 1 : segment.seq === 1 && isMet;

function segmentsOf(directory: string): Segment[] {
  try {
    return listSegments(directory);
  } catch {
    return [];
  }
}

/** Up to the first frame that is not whole. A segment that was deleted meanwhile has none. */
async function* framesOf(
  directory: string,
  { name, session, seq: first }: Segment,
): AsyncGenerator<KeptFrame, void, undefined> {
  let file: FileHandle;
  try {
    file = await open(join(directory, name));
  } catch {
    return;
  }
  try {
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    for (let seq = first, at = 0; ; seq++) {
      if ((await file.read(head, 0, head.length, at)).bytesRead < head.length) return;
      const size = head.readUInt32LE(0);
      if (size > MOST_FRAME_BYTES) return;
      const bytes = Buffer.alloc(size);
      at += head.length;
      if ((await file.read(bytes, 0, size, at)).bytesRead < size) return;
      if (crc32(bytes) !== head.readUInt32LE(4)) return;
      at += size;
      yield { position: { session, seq }, bytes };
    }
  } finally {
    await file.close();
  }
}
