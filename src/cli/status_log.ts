import type { RunProgress } from '../engine/pipeline.js';

const EVERY_MS = 60_000;

/** A line of JSON on standard error each minute while a run goes on, where there is no terminal. */
export class StatusLog {
  readonly #progress: () => RunProgress | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(progress: () => RunProgress | null) {
    this.#progress = progress;
  }

  async start(): Promise<void> {
    if (process.stderr.isTTY) return;
    const { pino } = await import('pino');
    const log = pino({ name: 'thymus' }, pino.destination({ fd: 2, sync: true }));
    log.info('watching');
    this.#timer = setInterval(() => {
      const progress = this.#progress();
      if (progress !== null) log.info(progress, 'status');
    }, EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
