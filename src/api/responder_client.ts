import { connect, type Socket } from 'node:net';
import type { AutonomyMode, Proposal } from '../domain/action.js';
import type { DeskState, Vote } from '../domain/action_record.js';
import type { EffectFigures, Renewal } from '../domain/response_port.js';
import { ERRORS, ThymusError, type ErrorCode } from '../errors.js';
import { actionOf, deskOf, type ActionNews } from './action_message.js';
import { thymus } from './gen/response.js';
import { MessageStream } from './message_stream.js';
import { proposalMessage } from './proposal_message.js';
import { RESPONSE_PROTOCOL_VERSION } from './responder_server.js';

const { FromResponder, ToResponder } = thymus.v1;
type Request = Omit<thymus.v1.ToResponder.$Properties, 'id'>;

const ANSWER_MS = 10_000;
/** Beyond this a responder that does not read is taken for dead. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

export interface ResponderClientOptions {
  readonly path: string;
  readonly role: 'engine' | 'cli' | 'watcher';
  /** Of an engine: the responder takes it over. */
  readonly mode?: AutonomyMode;
  readonly onChange?: (action: ActionNews) => void;
  readonly answerMs?: number;
}

/** What an answer says, where it says anything. */
export interface Said {
  readonly actionId: string;
  readonly text: string;
}

/** Open actions first, of these and of the others the last opened first. */
export interface ActionList {
  readonly desk: DeskState;
  readonly actions: readonly ActionNews[];
  /** Those behind, for which there was no room. */
  readonly leftOut: number;
}

interface Asked {
  readonly resolve: (answer: thymus.v1.FromResponder) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A connection to the responder. What it refuses is a ThymusError REFUSED or NO_SUCH_ACTION in its
 * own words; where it could not do what it was asked for, one of the code that it says.
 */
export class ResponderClient {
  readonly #socket: Socket;
  readonly #options: ResponderClientOptions;
  readonly #asked = new Map<number, Asked>();
  #nextId = 1;
  /** Settles when the connection is over. */
  readonly closed: Promise<void>;
  #desk: DeskState | null = null;

  private constructor(socket: Socket, options: ResponderClientOptions) {
    this.#socket = socket;
    this.#options = options;
    const stream = new MessageStream();
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const message of stream.take(bytes)) this.#hear(FromResponder.decode(message));
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const { reject, timer } of this.#asked.values()) {
          clearTimeout(timer);
          reject(absent());
        }
        this.#asked.clear();
        resolve();
      });
    });
  }

  /** @throws ThymusError RESPONDER_ABSENT when none runs, RESPONDER_BUSY when it does not answer */
  static async connect(options: ResponderClientOptions): Promise<ResponderClient> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const trying = connect(options.path, () => resolve(trying));
      trying.once('error', (cause) => reject(absent(cause)));
    });
    const client = new ResponderClient(socket, options);
    try {
      const { welcome } = await client.#ask({
        hello: {
          protocolVersion: RESPONSE_PROTOCOL_VERSION,
          role: options.role,
          mode: options.mode ?? '',
          wantsChanges: options.onChange !== undefined,
        },
      });
      client.#desk = deskOf(welcome?.desk ?? {});
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** As it was when the connection was made. */
  get desk(): DeskState {
    return this.#desk!;
  }

  propose(proposal: Proposal, inputs: string): Promise<Said> {
    return this.#tell({ propose: proposalMessage(proposal, inputs) });
  }

  renew({ proposal, ttlSeconds, evidenceUs }: Renewal): Promise<Said> {
    return this.#tell({ renew: { proposalId: proposal, ttlSeconds, evidenceUs } });
  }

  report({ proposal, ...figures }: EffectFigures): Promise<Said> {
    return this.#tell({ health: { proposalId: proposal, ...figures } });
  }

  allow(entries: readonly string[]): Promise<Said> {
    return this.#tell({ allow: { entries: [...entries] } });
  }

  vote(actionId: string, by: string, says: Vote['says']): Promise<Said> {
    return this.#tell({ vote: { actionId, by, approve: says === 'approve' } });
  }

  rollBack(actionId: string, by: string, reason: string): Promise<Said> {
    return this.#tell({ rollBack: { actionId, by, reason } });
  }

  /** It waits for the actuators, so it may take longer than other requests. */
  panic(by: string, answerMs: number): Promise<Said> {
    return this.#tell({ panic: { by } }, answerMs);
  }

  liftPanic(by: string): Promise<Said> {
    return this.#tell({ liftPanic: { by } });
  }

  /** @param inputs JSON */
  noteVerdict(incident: string, text: string, inputs: string): Promise<Said> {
    return this.#tell({ note: { kind: 'verdict', incident, text, inputs } });
  }

  async list(withFinished: boolean): Promise<ActionList> {
    const { actions } = await this.#ask({ list: { withFinished } });
    return {
      desk: deskOf(actions?.desk ?? {}),
      actions: (actions?.actions ?? []).map(actionOf),
      leftOut: actions?.leftOut ?? 0,
    };
  }

  close(): void {
    this.#socket.destroy();
  }

  async #tell(request: Request, answerMs?: number): Promise<Said> {
    const { done } = await this.#ask(request, answerMs);
    return { actionId: done?.actionId ?? '', text: done?.text ?? '' };
  }

  #ask(
    request: Request,
    answerMs = this.#options.answerMs ?? ANSWER_MS,
  ): Promise<thymus.v1.FromResponder> {
    if (this.#socket.destroyed) return Promise.reject(absent());
    if (this.#socket.writableLength > MOST_WAITING_BYTES) return Promise.reject(busy());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        reject(busy());
      }, answerMs);
      this.#asked.set(id, { resolve, reject, timer });
      this.#socket.write(ToResponder.encodeDelimited({ id, ...request }).finish());
    });
  }

  #hear(answer: thymus.v1.FromResponder): void {
    if (answer.change?.action) this.#options.onChange?.(actionOf(answer.change.action));
    const asked = this.#asked.get(answer.id);
    if (asked === undefined) return;
    this.#asked.delete(answer.id);
    clearTimeout(asked.timer);
    if (answer.refused) asked.reject(refusalOf(answer.refused));
    else asked.resolve(answer);
  }
}

function refusalOf({ reason, code }: thymus.v1.Refused.$Properties): ThymusError {
  const known = Object.hasOwn(ERRORS, code ?? '') ? (code as ErrorCode) : 'INTERNAL';
  return new ThymusError(known, reason ?? '');
}

function absent(cause?: unknown): ThymusError {
  const message = "No responder runs here: start 'thymus respond', or give its --state.";
  return new ThymusError('RESPONDER_ABSENT', message, { cause });
}

function busy(): ThymusError {
  const message = "The responder does not answer: 'thymus panic' withdraws everything without it.";
  return new ThymusError('RESPONDER_BUSY', message);
}
