import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { AUTONOMY_MODES } from '../domain/action.js';
import { isOpen } from '../domain/action_record.js';
import { ThymusError } from '../errors.js';
import type { Action as BookedAction } from '../response/action_book.js';
import type { Clock } from '../response/clock.js';
import type { Responder } from '../response/responder.js';
import type { Json } from '../store/action_journal.js';
import { actionMessage, deskMessage, newsOf } from './action_message.js';
import { thymus } from './gen/response.js';
import { MessageStream } from './message_stream.js';
import { proposalOf } from './proposal_message.js';

const { Action, FromResponder, ToResponder } = thymus.v1;
type Request = thymus.v1.ToResponder;
type Answer = Omit<thymus.v1.FromResponder.$Properties, 'id'>;

/** Raised when the meaning of a field of proto/response.proto changes. */
export const RESPONSE_PROTOCOL_VERSION = 1;

const MOST_CONNECTIONS = 64;
/** Who reads so slowly that more than this waits is hung up on. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;
/** Longest list that one answer holds; a message is at most MOST_MESSAGE_BYTES long. */
const MOST_LISTED = 500;
const MOST_LISTED_BYTES = 768 * 1024;

export interface ResponderServerOptions {
  readonly path: string;
  readonly responder: Responder;
  readonly clock: Clock;
}

/** What is known of who has connected. */
interface Peer {
  readonly socket: Socket;
  role: string;
  wantsChanges: boolean;
}

/** Lets engines and people talk to a responder, over its socket; see proto/response.proto. */
export class ResponderServer {
  readonly #options: ResponderServerOptions;
  readonly #server: Server;
  readonly #peers = new Set<Peer>();

  private constructor(options: ResponderServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** @throws ThymusError USAGE when nothing can listen there */
  static async listen(options: ResponderServerOptions): Promise<ResponderServer> {
    const server = new ResponderServer(options);
    // Whoever listened there before is dead: the lock says so.
    rmSync(options.path, { force: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.#server.once('error', reject);
        server.#server.listen(options.path, resolve);
      });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const message = `Nothing can listen on ${options.path} (${code}): choose a shorter --state.`;
      throw new ThymusError('USAGE', message, { cause });
    }
    return server;
  }

  /** Engines that are connected. */
  get nEngines(): number {
    return [...this.#peers].filter(({ role }) => role === 'engine').length;
  }

  /** Tells those who want to know. */
  tell(action: BookedAction): void {
    const listeners = [...this.#peers].filter(({ wantsChanges }) => wantsChanges);
    if (listeners.length === 0) return;
    const { record, proposal } = action;
    const news = actionMessage(newsOf(record, proposal, this.#options.clock.now()));
    const bytes = encoded(0, { change: { action: news } });
    for (const peer of listeners) send(peer, bytes);
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.#peers) socket.destroy();
    rmSync(this.#options.path, { force: true });
  }

  #welcome(socket: Socket): void {
    const peer: Peer = { socket, role: '', wantsChanges: false };
    const stream = new MessageStream();
    this.#peers.add(peer);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#peers.delete(peer));
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const message of stream.take(bytes)) this.#hear(peer, ToResponder.decode(message));
      } catch {
        // Not this protocol: nothing behind it can be made sense of.
        socket.destroy();
      }
    });
  }

  #hear(peer: Peer, request: Request): void {
    this.#answer(peer, request).then(
      (answer) => reply(peer, request.id, answer),
      (error: unknown) => reply(peer, request.id, { refused: refusalOf(error) }),
    );
  }

  async #answer(peer: Peer, request: Request): Promise<Answer> {
    if (request.hello) return this.#hello(peer, request.hello);
    if (peer.role === '') throw new ThymusError('REFUSED', 'The first message has to be Hello.');
    if (request.list) return this.#list(request.list.withFinished ?? false);
    // What was withdrawn is withdrawn, be it written down or not: the answer says both.
    if (request.panic) return { done: await this.#panic(request.panic) };
    const done = this.#obey(request);
    await this.#options.responder.commit();
    return { done };
  }

  #hello(peer: Peer, hello: thymus.v1.Hello.$Properties): Answer {
    if (hello.protocolVersion !== RESPONSE_PROTOCOL_VERSION) {
      throw new ThymusError('REFUSED', 'The versions differ: restart watch and responder.');
    }
    peer.role = hello.role ?? '';
    peer.wantsChanges = hello.wantsChanges ?? false;
    const { responder } = this.#options;
    const mode = AUTONOMY_MODES.find((one) => one === hello.mode);
    if (peer.role === 'engine' && mode !== undefined) responder.setMode(mode);
    return {
      welcome: {
        protocolVersion: RESPONSE_PROTOCOL_VERSION,
        pid: process.pid,
        desk: deskMessage(responder.desk),
      },
    };
  }

  #list(withFinished: boolean): Answer {
    const { responder, clock } = this.#options;
    const now = clock.now();
    const chosen = [...responder.actions].filter(({ record }) => withFinished || isOpen(record));
    chosen.sort(
      (a, b) =>
        Number(isOpen(b.record)) - Number(isOpen(a.record)) ||
        b.record.opened.wallMs - a.record.opened.wallMs,
    );
    const actions: thymus.v1.Action.$Properties[] = [];
    let leftBytes = MOST_LISTED_BYTES;
    for (const { record, proposal } of chosen.slice(0, MOST_LISTED)) {
      const message = actionMessage(newsOf(record, proposal, now));
      leftBytes -= Action.encode(message).finish().length;
      if (leftBytes < 0) break;
      actions.push(message);
    }
    const leftOut = chosen.length - actions.length;
    return { actions: { desk: deskMessage(responder.desk), actions, leftOut } };
  }

  async #panic({ by }: thymus.v1.Panic.$Properties): Promise<thymus.v1.Done.$Properties> {
    return { text: (await this.#options.responder.panic(by ?? '')).join(' ') };
  }

  #obey(request: Request): thymus.v1.Done.$Properties {
    const { responder } = this.#options;
    const { propose, renew, health, allow, vote, rollBack, liftPanic, note } = request;
    if (propose) {
      return { actionId: responder.propose(proposalOf(propose), parsed(propose.inputs)).id };
    }
    if (renew) {
      const { proposalId, ttlSeconds, evidenceUs } = renew;
      return { actionId: responder.renew(proposalId ?? '', ttlSeconds ?? 0, evidenceUs ?? 0).id };
    }
    if (health) {
      const { proposalId, usualAnsweredShare, ...counts } = health;
      return {
        actionId: responder.report({
          proposal: proposalId ?? '',
          fromUs: counts.fromUs ?? 0,
          untilUs: counts.untilUs ?? 0,
          evidence: counts.evidence ?? 0,
          normalFlows: counts.normalFlows ?? 0,
          normalAnswered: counts.normalAnswered ?? 0,
          usualAnsweredShare: usualAnsweredShare ?? null,
        }).id,
      };
    }
    if (allow) {
      responder.allow(allow.entries ?? []);
      return {};
    }
    if (vote) {
      const says = vote.approve ? 'approve' : 'reject';
      const { id, state, reason } = responder.vote(vote.actionId ?? '', vote.by ?? '', says);
      return { actionId: id, text: `${state}: ${reason}` };
    }
    if (rollBack) {
      const { actionId, by, reason } = rollBack;
      const { id, state } = responder.rollBack(actionId ?? '', by ?? '', reason ?? '');
      return { actionId: id, text: state };
    }
    if (liftPanic) {
      responder.lift(liftPanic.by ?? '');
      return {};
    }
    if (note) {
      responder.noteVerdict(note.incident ?? '', note.text ?? '', parsed(note.inputs));
      return {};
    }
    throw new ThymusError('REFUSED', 'Nothing was asked.');
  }
}

function reply(peer: Peer, id: number, answer: Answer): void {
  if (id !== 0) send(peer, encoded(id, answer));
}

function send({ socket }: Peer, bytes: Uint8Array): void {
  if (socket.destroyed) return;
  if (socket.writableLength > MOST_WAITING_BYTES) socket.destroy();
  else socket.write(bytes);
}

const encoded = (id: number, answer: Answer): Uint8Array =>
  FromResponder.encodeDelimited({ id, ...answer }).finish();

function refusalOf(error: unknown): thymus.v1.Refused.$Properties {
  return error instanceof ThymusError
    ? { reason: error.message, code: error.code }
    : { reason: `It failed inside: ${String(error)}`, code: 'INTERNAL' };
}

/** What an engine sends as JSON; text that is none is kept as a text. */
function parsed(text: string | null | undefined): Json {
  if (!text) return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
