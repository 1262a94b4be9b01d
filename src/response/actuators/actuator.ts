import type { Measure } from '../../domain/action.js';

/** One measure as it is given to an actuator. */
export interface Order {
  /** Of the action, at most 40 characters of [0-9a-z-]. */
  readonly id: string;
  readonly measure: Measure;
  /** Milliseconds until it has to be gone; targets that can expire by themselves are told. */
  readonly ttlMs: number;
}

/** What became of one order. */
export type Outcome =
  | { readonly ok: true }
  /** One sentence that says what is wrong and what to do; `retry`: it may work later as it is. */
  | { readonly ok: false; readonly reason: string; readonly retry: boolean };

/**
 * One way to change the world. Everything but the constructor may be slow and may fail; nothing
 * throws. Applying what is applied and undoing what is undone are no failures, so that a crash
 * between doing and noting it is harmless. Only files of this folder change anything.
 */
export interface Actuator {
  readonly name: string;
  /** True when the target lets go by itself after `ttlMs`, even when thymus is gone. */
  readonly expiresByItself: boolean;

  handles(measure: Measure): boolean;

  /** What `apply` would do, as text for a person: commands, routes, requests. */
  plan(orders: readonly Order[]): string;

  /** All or none where the target has transactions. @returns one outcome per order */
  apply(orders: readonly Order[]): Promise<readonly Outcome[]>;

  /** Takes back what `apply` did. @returns one outcome per order */
  undo(orders: readonly Order[]): Promise<readonly Outcome[]>;

  /** True when it is enforced at this moment; null when the target cannot be asked. */
  verify(order: Order): Promise<boolean | null>;

  /** Ids of all that is enforced at the target in the name of thymus; null when it cannot be asked. */
  list(): Promise<readonly string[] | null>;

  /** Withdraws everything in the name of thymus, whether it is known or not. */
  panic(): Promise<Outcome>;

  /**
   * Calls back when a target can be asked that could not be before, so that what it has lost in the
   * meantime is noticed at once. Only targets that can tell have it.
   */
  onReturn?(listener: () => void): void;

  /** Lets go of processes and connections; what is enforced stays. */
  close(): Promise<void>;
}
