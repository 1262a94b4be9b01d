import { z } from 'zod';
import type { Outcome } from './actuator.js';
import { readIfThere, replaceFile, whyNotWritten } from './atomic_file.js';
import { DONE, failed } from './outcome.js';

const HOLDING = z.strictObject({
  rules: z.array(z.strictObject({ number: z.number(), untilMs: z.number() })),
  unansweredUntilMs: z.number(),
});
const FILE = z.record(z.string(), HOLDING);

/** What a consumer has, or may have, for one action. Times are wall time, milliseconds since 1970. */
export interface Holding {
  /** Rules by the consumer's number, with the end of their own time. */
  readonly rules: readonly { readonly number: number; readonly untilMs: number }[];
  /** When the last of those is over whose number was not told; 0: there is none. */
  readonly unansweredUntilMs: number;
}

const NOTHING: Holding = { rules: [], unansweredUntilMs: 0 };

/**
 * What a consumer of OpenC2 holds, in a file that is written before a rule is asked for, and again
 * when its number is known: what is asked and not answered may be in force.
 */
export class Openc2Ledger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Actions for which the consumer may hold something. @throws where the file cannot be read */
  async ids(): Promise<readonly string[]> {
    return Object.keys(await this.#read());
  }

  /** @throws where the file cannot be read */
  async holding(id: string): Promise<Holding> {
    return (await this.#read())[id] ?? NOTHING;
  }

  async set(id: string, holding: Holding): Promise<Outcome> {
    try {
      const { [id]: _, ...others } = await this.#read();
      const isNothing = holding.rules.length === 0 && holding.unansweredUntilMs === 0;
      const all = isNothing ? others : { ...others, [id]: holding };
      await replaceFile(this.#path, `${JSON.stringify(all)}\n`, 0o600);
      return DONE;
    } catch (error) {
      return failed(whyNotWritten(this.#path, error));
    }
  }

  async #read(): Promise<Readonly<Record<string, Holding>>> {
    const text = await readIfThere(this.#path);
    return text === null ? {} : FILE.parse(JSON.parse(text));
  }
}
