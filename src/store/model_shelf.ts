import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { ThymusError } from '../errors.js';
import { readModel, writeModel, type Model } from './model_file.js';
import { outputFailed } from './output_error.js';

/*
 * The models of an installation.
 *
 *   STATE/models/latest.model        what the next `watch` goes on from
 *   STATE/models/YYYY-MM-DD.model    as it stood when that day was last learned from
 */

const LATEST = 'latest.model';
const DAY_FILE = /^(\d{4}-\d{2}-\d{2})\.model$/;
/** Days kept; of more, the oldest go. */
const DAYS_MOST = 14;

/** Keeps the models of a state directory. */
export class ModelShelf {
  readonly #directory: string;

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'models');
  }

  get latestPath(): string {
    return join(this.#directory, LATEST);
  }

  /** Null when nothing was learned yet. @throws ThymusError MODEL_INVALID */
  latest(): Model | null {
    return existsSync(this.latestPath) ? readModel(this.latestPath) : null;
  }

  /** Days that can be gone back to, the oldest first. */
  days(): string[] {
    try {
      const names = readdirSync(this.#directory);
      return names.flatMap((name) => DAY_FILE.exec(name)?.[1] ?? []).sort();
    } catch {
      return [];
    }
  }

  /** Keeps a model as the latest and as that of its day. @throws ThymusError OUTPUT_FAILED */
  keep(model: Model): void {
    this.#make();
    writeModel(this.latestPath, model);
    this.#copy(this.latestPath, this.#pathOf(dayOf(model.state.untilUs)));
    for (const day of this.days().slice(0, -DAYS_MOST)) rmSync(this.#pathOf(day), { force: true });
  }

  /**
   * Makes the model of an earlier day the latest; what was learned since is forgotten.
   * @throws ThymusError MODEL_INVALID when there is none of that day, OUTPUT_FAILED
   */
  rollBack(day: string): Model {
    const days = this.days();
    if (!days.includes(day)) {
      const kept = days.length === 0 ? 'none is kept' : `there are ${days.join(', ')}`;
      throw new ThymusError('MODEL_INVALID', `No model of '${day}' is kept: ${kept}.`);
    }
    const model = readModel(this.#pathOf(day));
    this.#copy(this.#pathOf(day), this.latestPath);
    for (const later of days.filter((other) => other > day)) rmSync(this.#pathOf(later));
    return model;
  }

  #pathOf(day: string): string {
    return join(this.#directory, `${day}.model`);
  }

  #make(): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw outputFailed(this.#directory, error);
    }
  }

  /** In one step, as `writeModel`. */
  #copy(from: string, to: string): void {
    const draft = `${to}.${process.pid}.new`;
    try {
      copyFileSync(from, draft);
      renameSync(draft, to);
    } catch (error) {
      rmSync(draft, { force: true });
      throw outputFailed(to, error);
    }
  }
}

/** The day in UTC of a moment in microseconds. */
function dayOf(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 10);
}
