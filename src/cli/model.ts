import { modelText } from '../api/model_text.js';
import { loadSettings } from '../config/load.js';
import { ThymusError } from '../errors.js';
import { readModel, type Model } from '../store/model_file.js';
import { ModelShelf } from '../store/model_shelf.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { ModelFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/** `thymus model` @returns the exit code */
export async function modelCommand(flags: ModelFlags): Promise<number> {
  if (flags.model !== undefined && flags.rollBack !== undefined) {
    throw new ThymusError(
      'USAGE',
      "'--roll-back' is for the models in --state, without '--model'.",
    );
  }
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const shelf = new ModelShelf(stateDirectory(settings));
  const model = chosen(shelf, flags);
  if (model === null) {
    throw new ThymusError(
      'MODEL_INVALID',
      `Nothing was learned yet in ${stateDirectory(settings)}: a 'thymus watch' keeps there what it learns.`,
    );
  }
  const days = flags.model === undefined ? shelf.days() : [];
  const { about, state } = model;
  const facts = { untilUs: state.untilUs, figures: state.figures, days };
  if (flags.json) print(`${JSON.stringify({ ...about, ...facts })}\n`);
  else print(modelText(about, facts));
  return EXIT.DONE;
}

function chosen(shelf: ModelShelf, flags: ModelFlags): Model | null {
  if (flags.model !== undefined) return readModel(flags.model);
  return flags.rollBack === undefined ? shelf.latest() : shelf.rollBack(flags.rollBack);
}
