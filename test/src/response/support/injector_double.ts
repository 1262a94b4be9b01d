import { DONE } from '../../../../src/response/actuators/outcome.js';
import type { Outcome } from '../../../../src/response/actuators/actuator.js';
import type {
  OpenInjector,
  ResetInjector,
  ResetInjectorOptions,
  ResetInjectorState,
  ResetTarget,
} from '../../../../src/response/actuators/reset_injector.js';

/** An injector that hears nothing and keeps what it is told. */
export class InjectorDouble implements ResetInjector {
  options: ResetInjectorOptions | null = null;
  targets: readonly ResetTarget[] = [];
  isOpen = false;
  isListening = true;
  /** Targets whose connections go on, by host. */
  readonly outlived = new Set<string>();
  /** What opening it and setting its targets give. */
  answer: Outcome = DONE;

  readonly open: OpenInjector = (options) => {
    this.options = options;
    if (!this.answer.ok) return this.answer;
    this.isOpen = true;
    return this;
  };

  setTargets(targets: readonly ResetTarget[]): Outcome {
    this.targets = [...targets];
    return this.answer;
  }

  state(): ResetInjectorState {
    const targets = this.targets.map(({ host }) => ({
      answered: 1,
      isOutlived: this.outlived.has(host),
    }));
    return {
      isListening: this.isListening,
      segments: 5,
      answered: 3,
      heldBack: 2,
      unanswerable: 0,
      sent: 6,
      sendFailures: 0,
      kernelDrops: 0,
      targets,
    };
  }

  close(): void {
    this.isOpen = false;
    this.targets = [];
  }
}
