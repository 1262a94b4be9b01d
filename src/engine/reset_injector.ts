import type { Outcome } from '../response/actuators/actuator.js';
import { DONE, failed, reasonOf, refused } from '../response/actuators/outcome.js';
import {
  MOST_SPARED,
  MOST_TARGETS,
  type OpenInjector,
  type ResetInjector,
  type ResetInjectorState,
  type ResetTarget,
} from '../response/actuators/reset_injector.js';
import { injectorCalls, type InjectorCalls } from './binding.js';

/** The injector of the native core. */
export const openInjector: OpenInjector = (options) => {
  try {
    const core = injectorCalls();
    return new NativeInjector(core, core.openInjector(options));
  } catch (error) {
    const { isLasting = true } = error as { readonly isLasting?: boolean };
    return { ok: false, reason: reasonOf(error), retry: !isLasting };
  }
};

class NativeInjector implements ResetInjector {
  readonly #core: InjectorCalls;
  readonly #handle: number;

  constructor(core: InjectorCalls, handle: number) {
    this.#core = core;
    this.#handle = handle;
  }

  setTargets(targets: readonly ResetTarget[]): Outcome {
    if (targets.length > MOST_TARGETS) return refused(`At most ${MOST_TARGETS} targets fit.`);
    if (targets.some(({ spared }) => spared.length > MOST_SPARED)) {
      return refused(`At most ${MOST_SPARED} edges of a target can be spared.`);
    }
    try {
      this.#core.setResetTargets(this.#handle, targets);
      return DONE;
    } catch (error) {
      return failed(reasonOf(error));
    }
  }

  state(): ResetInjectorState {
    return this.#core.injectorState(this.#handle);
  }

  close(): void {
    this.#core.closeInjector(this.#handle);
  }
}
