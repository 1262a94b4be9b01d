import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

import type { LearnedFigures, LearnedState } from '../domain/learned_state.js';
import type { LanePriors } from '../domain/lane_priors.js';
import { StateReader } from '../domain/state_reader.js';
import { StateWriter } from '../domain/state_writer.js';
import { ThymusError } from '../errors.js';
import { outputFailed } from './output_error.js';

/*
 * A model on the disk.
 *
 *   8 bytes    "thymodel"
 *   u32        version of this layout
 *   text       about: JSON
 *   f64        until when it was learned, microseconds
 *   text       how much: JSON
 *   u32        number of sections, then name and bytes of each (domain/learned_state.ts)
 *   32 bytes   SHA-256 of all before
 *
 * Texts and bytes have their length before them as u32; numbers are little-endian.
 */

const MAGIC = new TextEncoder().encode('thymodel');
const DIGEST_BYTES = 32;
const SECTIONS_MOST = 4096;

/** Raised when earlier versions could misread what this one writes. */
export const MODEL_VERSION = 2;

/** What a model says about itself. */
export interface ModelAbout {
  readonly engineVersion: string;
  /** Runs that it was learned in, the oldest first. */
  readonly lessons: readonly Lesson[];
  /** What operators had said when it was written. */
  readonly priors: LanePriors;
  /** Name of the key that its entities are numbered under; '' for the fixed one of replays. */
  readonly keyName: string;
}

/** One run that a model learned from. */
export interface Lesson {
  readonly sources: readonly string[];
  /** Packet time, microseconds. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly packets: number;
  readonly flows: number;
}

/** Lessons that a model names; of more, the first and the latest. */
const LESSONS_MOST = 64;

export interface Model {
  readonly about: ModelAbout;
  readonly state: LearnedState;
}

/** The lessons of a model that has learned once more. */
export function withLesson(lessons: readonly Lesson[], lesson: Lesson): Lesson[] {
  const all = [...lessons, lesson];
  return all.length <= LESSONS_MOST ? all : [all[0]!, ...all.slice(all.length - LESSONS_MOST + 1)];
}

/**
 * Writes a model in one step: whoever reads the path gets the old one or the new one, whole.
 * @throws ThymusError OUTPUT_FAILED; the old one is still there then
 */
export function writeModel(path: string, model: Model): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    const file = openSync(draft, 'w', 0o600);
    try {
      for (const bytes of encoded(model)) writeAll(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw outputFailed(path, error);
  }
}

/**
 * @throws ThymusError MODEL_INVALID, with one sentence, when there is none, when it is damaged or
 *   when another version wrote it
 */
export function readModel(path: string): Model {
  const bytes = readBytes(path);
  const refuse = (what: string): never => {
    throw new ThymusError('MODEL_INVALID', `'${path}' ${what}`);
  };
  if (bytes.length < MAGIC.length + 4 + DIGEST_BYTES || !MAGIC.every((c, i) => bytes[i] === c)) {
    refuse("is no model: give a file that '--save-model' wrote.");
  }
  const version = bytes.readUInt32LE(MAGIC.length);
  if (version !== MODEL_VERSION) {
    refuse(
      `was written by another version (layout ${version}, not ${MODEL_VERSION}): ` +
        'learn it anew with this one.',
    );
  }
  const end = bytes.length - DIGEST_BYTES;
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) {
    refuse('is damaged: take an earlier copy, or learn it anew.');
  }
  return decoded(bytes.subarray(MAGIC.length + 4, end));
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code ?? message})`;
    throw new ThymusError(
      'MODEL_INVALID',
      `The model '${path}' ${why}: name one that '--save-model' wrote.`,
      { cause: error },
    );
  }
}

function* encoded({ about, state }: Model): Generator<Uint8Array> {
  const hash = createHash('sha256');
  const hashed = (bytes: Uint8Array): Uint8Array => {
    hash.update(bytes);
    return bytes;
  };
  const head = new StateWriter();
  head.u32(MODEL_VERSION);
  head.json(about);
  head.f64(state.untilUs);
  head.json(state.figures);
  head.u32(state.sections.size);
  yield hashed(MAGIC);
  yield hashed(head.take());
  for (const [name, bytes] of state.sections) {
    const section = new StateWriter();
    section.text(name);
    section.u32(bytes.length);
    yield hashed(section.take());
    yield hashed(bytes);
  }
  yield hash.digest();
}

function decoded(bytes: Uint8Array): Model {
  const from = new StateReader(bytes);
  const about = from.json() as ModelAbout;
  const untilUs = from.f64();
  const figures = from.json() as LearnedFigures;
  const n = from.count(SECTIONS_MOST);
  const sections = new Map<string, Uint8Array>();
  for (let i = 0; i < n; i++) sections.set(from.text(), from.bytes());
  return { about, state: { untilUs, sections, figures } };
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
