import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { firstLine } from './outcome.js';
import { runProgram, whyNotStarted, type Command } from './program.js';
import { SerialQueue } from './serial_queue.js';

/** What nft said to one script; a script is one transaction. */
export type NftAnswer =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly cause:
        'refused' | 'missing_object' | 'full' | 'no_rights' | 'no_program' | 'no_answer';
      /** One sentence that says what to do. */
      readonly reason: string;
    };

// Above it a process of its own is faster: the line editor of `nft -i` reads byte by byte
// (measured: 100,000 elements 7.0 s against 0.7 s), while below it the long-lived process is
// (one element 0.2 ms against 11 ms).
const MOST_LINE_BYTES = 16 * 1024;
const MOST_WAITING = 1024;
const TIMEOUT_MS = 10_000;
const BATCH_TIMEOUT_MS = 60_000;
const LINE_BREAK = Buffer.from('\n');
// Asks no kernel, always has the same answer, and so tells that all before it is done.
const ASK_DONE = 'describe tcp dport\n';
const DONE = /^.*basetype integer\), 16 bits\n/m;
const SOON_MS = 1000;
const MOST_EARLY_ENDS = 3;
const MOST_ANSWER_BYTES = 4 << 20;

/** One long-lived `nft -i`, which is started again when it ends, and single runs for large scripts. */
export class NftSession {
  readonly #command: Command;
  readonly #queue = new SerialQueue(MOST_WAITING);
  #child: ChildProcessWithoutNullStreams | null = null;
  #startedMs = 0;
  #earlyEnds = 0;
  #answer = '';
  #onAnswer: (() => void) | null = null;
  #whyNoChild: string | null = null;

  /** @param command what starts nft, for example ['nft'] */
  constructor(command: Command) {
    this.#command = command;
  }

  /** Process id of the long-lived nft; null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Runs one script without line breaks as one transaction. */
  async run(script: string | Buffer): Promise<NftAnswer> {
    const answer = await this.#queue.run(async () => {
      const short = script.length <= MOST_LINE_BYTES;
      if (!short || this.#earlyEnds >= MOST_EARLY_ENDS) return this.#runOnce(script);
      return this.#ask(script.toString());
    });
    return (
      answer ?? {
        ok: false,
        cause: 'no_answer',
        reason: 'Too many changes wait for nft: try again when it has caught up.',
      }
    );
  }

  /** Reads with a process of its own, so that a long list delays no change. */
  async read(...args: readonly string[]): Promise<NftAnswer> {
    const [program, ...first] = this.#command;
    const ran = await runProgram([program, ...first, ...args], {
      timeoutMs: BATCH_TIMEOUT_MS,
      outputBytes: 512 << 20,
    });
    return this.#judge(ran.status, ran.stdout, ran.stderr, ran);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    this.#child?.stdin.end();
    this.#child = null;
  }

  async #ask(script: string): Promise<NftAnswer> {
    const child = this.#child ?? this.#start();
    this.#answer = '';
    const said = await new Promise<string | null>((resolve) => {
      const settle = (text: string | null): void => {
        clearTimeout(timer);
        this.#onAnswer = null;
        resolve(text);
      };
      const timer = setTimeout(() => settle(null), TIMEOUT_MS);
      this.#onAnswer = () => {
        const done = DONE.exec(this.#answer);
        if (done !== null) settle(this.#answer.slice(0, done.index));
        else if (this.#child !== child || this.#answer.length > MOST_ANSWER_BYTES) settle(null);
      };
      child.stdin.write(`${script}\n${ASK_DONE}`);
    });
    if (said !== null) return judgeText(said);
    this.#drop(child);
    // A nft without interactive mode ends at once; what it cannot do a single run can.
    if (this.#whyNoChild === null) return this.#runOnce(script);
    return { ok: false, cause: 'no_program', reason: this.#whyNoChild };
  }

  #start(): ChildProcessWithoutNullStreams {
    // nft writes errors and answers to two streams; the shell, with a fixed text, makes them one
    // so that their order is certain.
    const child = spawn('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', ...this.#command, '-i'], {
      stdio: 'pipe',
    });
    this.#child = child;
    this.#startedMs = performance.now();
    this.#whyNoChild = null;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#answer += text;
      this.#onAnswer?.();
    });
    child.stderr.resume();
    child.stdin.on('error', () => null);
    const gone = (): void => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#earlyEnds = performance.now() - this.#startedMs < SOON_MS ? this.#earlyEnds + 1 : 0;
      this.#onAnswer?.();
    };
    child.on('error', (error) => {
      this.#whyNoChild = whyNotStarted('/bin/sh', error);
      gone();
    });
    child.on('close', gone);
    child.unref();
    return child;
  }

  #drop(child: ChildProcessWithoutNullStreams): void {
    child.kill('SIGKILL');
    if (this.#child === child) this.#child = null;
  }

  async #runOnce(script: string | Buffer): Promise<NftAnswer> {
    const [program, ...first] = this.#command;
    const ran = await runProgram([program, ...first, '-f', '-'], {
      input: typeof script === 'string' ? `${script}\n` : Buffer.concat([script, LINE_BREAK]),
      timeoutMs: BATCH_TIMEOUT_MS,
    });
    return this.#judge(ran.status, ran.stdout, ran.stderr, ran);
  }

  #judge(
    status: number | null,
    stdout: string,
    stderr: string,
    { trouble, missing }: { readonly trouble: string | null; readonly missing: boolean },
  ): NftAnswer {
    if (missing) return { ok: false, cause: 'no_program', reason: trouble! };
    if (status === null) return { ok: false, cause: 'no_answer', reason: trouble! };
    if (status === 0) return { ok: true, text: stdout };
    const judged = judgeText(stderr);
    return judged.ok ? refusal(stderr) : judged;
  }
}

function judgeText(text: string): NftAnswer {
  const error = /^(?:\S+:\d+:\d+(?:-\d+)?: )?(?:Error|Fatal): (.*)/m.exec(text);
  const denied = /Operation not permitted|Permission denied/.exec(text);
  if (error === null && denied === null) return { ok: true, text };
  return refusal(error?.[1] ?? denied![0]);
}

function refusal(said: string): NftAnswer {
  if (/not permitted|[Pp]ermission denied|must be root/.test(said)) {
    return {
      ok: false,
      cause: 'no_rights',
      reason: 'nft may not change the packet filter: run as root or with CAP_NET_ADMIN.',
    };
  }
  if (/No such file or directory/.test(said)) {
    return {
      ok: false,
      cause: 'missing_object',
      reason: "Something is missing in table 'inet thymus': it was changed from outside.",
    };
  }
  if (/Too many open files in system|No space left|Cannot allocate memory/.test(said)) {
    return {
      ok: false,
      cause: 'full',
      reason: 'A set of the packet filter is full: withdraw some actions, then try again.',
    };
  }
  return {
    ok: false,
    cause: 'refused',
    reason: `nft refuses the change (${firstLine(said)}): see 'nft list table inet thymus'.`,
  };
}
