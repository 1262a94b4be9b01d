import { setInterval } from 'node:timers';
import { ResponderServer } from '../api/responder_server.js';
import type { AutonomyMode } from '../domain/action.js';
import { ThymusError } from '../errors.js';
import type { Actuator } from '../response/actuators/actuator.js';
import type { ResponseFiles } from '../store/response_files.js';
import { complain } from './console.js';
import { holderText, openDesk, type Desk } from './response_desk.js';

const TICK_MS = 50;

export interface ResponderRunOptions {
  readonly files: ResponseFiles;
  readonly actuators: readonly Actuator[];
  /** Null: the one that it had last. */
  readonly mode: AutonomyMode | null;
  /** It ends when nothing is open and no engine is there for so long; null: never. */
  readonly idleMs: number | null;
  /** Called when it listens. */
  readonly onReady?: () => void;
}

/** The responder as a process: it serves its socket until it is told to end, or nobody needs it. */
export class ResponderRun {
  readonly #options: ResponderRunOptions;
  readonly #stop: Promise<void>;
  readonly #end: () => void;

  constructor(options: ResponderRunOptions) {
    this.#options = options;
    let end!: () => void;
    this.#stop = new Promise((resolve) => (end = resolve));
    this.#end = end;
  }

  /** Ends it; what cannot let go by itself is withdrawn before. */
  stop(): void {
    this.#end();
  }

  /** @throws ThymusError RESPONDER_BUSY when one runs already */
  async run(): Promise<void> {
    const { files, actuators, mode, idleMs, onReady } = this.#options;
    let server: ResponderServer | null = null;
    const onChange = (action: Parameters<ResponderServer['tell']>[0]): void => server?.tell(action);
    const desk = await openDesk({ files, actuators, onChange });
    if (desk === null) {
      const message = `${holderText(files)} Use that one, or end it.`;
      throw new ThymusError('RESPONDER_BUSY', message);
    }
    for (const note of desk.notes) complain(`thymus: ${note}\n`);
    const { responder, clock } = desk;
    try {
      if (mode !== null) responder.setMode(mode);
      // What is overdue is withdrawn before anything else.
      const started = responder.start();
      server = await ResponderServer.listen({ path: files.socket, responder, clock });
      const ticking = this.#tick(desk, server, idleMs);
      onReady?.();
      await Promise.race([this.#stop, started.then(() => this.#stop)]);
      // From here on nothing new is heard, and no default is taken.
      clearInterval(ticking);
      server.close();
      await responder.stop();
    } finally {
      server?.close();
      await Promise.all(actuators.map((actuator) => actuator.close()));
      desk.close();
    }
  }

  #tick(
    { responder, clock }: Desk,
    server: ResponderServer,
    idleMs: number | null,
  ): NodeJS.Timeout {
    let idleSinceMs = clock.now().bootMs;
    return setInterval(() => {
      responder.tick();
      if (idleMs === null) return;
      const { bootMs } = clock.now();
      if (responder.isBusy || server.nEngines > 0) idleSinceMs = bootMs;
      else if (bootMs - idleSinceMs >= idleMs) this.#end();
    }, TICK_MS);
  }
}
