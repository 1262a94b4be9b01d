import { notifyService } from '../engine/pipeline.js';

const US_PER_MS = 1000;
const MS_PER_S = 1000;
/** How often it is asked whether the interfaces are open. */
const OPENING_MS = 20;

/** What the service manager wants to know of a run. */
export interface RunPulse {
  /** True when the interfaces are open. */
  readonly isOpen: () => boolean;
  /**
   * By how many seconds judging is behind; the watchdog hears nothing while it is behind by more
   * than half of what the watchdog waits.
   */
  readonly lag: () => number;
}

/** The service manager that started this process, if one did (sd_notify(3)). */
export class ServiceManager {
  readonly #socket: string | null;
  readonly #watchdogMs: number | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#socket = environment['NOTIFY_SOCKET'] || null;
    const us = Number(environment['WATCHDOG_USEC']);
    const pid = environment['WATCHDOG_PID'];
    const isMeant = pid === undefined || Number(pid) === process.pid;
    this.#watchdogMs = us > 0 && isMeant ? us / US_PER_MS : null;
  }

  /** Says that the run has begun as soon as `isOpen`, and from then on that it is alive. */
  begin({ isOpen, lag }: RunPulse): void {
    if (this.#socket === null) return;
    this.#timer = setInterval(() => {
      if (!isOpen()) return;
      clearInterval(this.#timer);
      this.#say('READY=1\nSTATUS=watching');
      this.#watch(lag);
    }, OPENING_MS).unref();
  }

  #watch(lag: RunPulse['lag']): void {
    const watchdogMs = this.#watchdogMs;
    if (watchdogMs === null) return;
    this.#timer = setInterval(() => {
      if (lag() * MS_PER_S < watchdogMs / 2) this.#say('WATCHDOG=1');
    }, watchdogMs / 3).unref();
  }

  reloading(): void {
    const us = process.hrtime.bigint() / 1000n;
    this.#say(`RELOADING=1\nMONOTONIC_USEC=${us}`);
  }

  reloaded(): void {
    this.#say('READY=1\nSTATUS=watching');
  }

  stopping(): void {
    clearInterval(this.#timer);
    this.#say('STOPPING=1');
  }

  #say(text: string): void {
    if (this.#socket !== null) notifyService(this.#socket, text);
  }
}
