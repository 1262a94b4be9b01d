import { firstLine, reasonOf } from './outcome.js';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Why there is no answer. */
export interface NoAnswer {
  readonly ok: false;
  readonly reason: string;
  readonly retry: boolean;
  /** True where the other side may have read what was sent all the same. */
  readonly maybeHeard: boolean;
}

/** Failures that come before anything is sent. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const REDIRECTION = 300;
const SERVER_ERROR = 500;
const MOST_ANSWER_BYTES = 1 << 20;
/** Statuses of a server that may think otherwise later: busy, late, or failed by itself. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Sends a body and reads a bounded answer; follows no redirect, so that orders stay where they belong. */
export async function post(
  url: string,
  body: string,
  options: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Promise<HttpAnswer | NoAnswer> {
  const { headers, timeoutMs } = options;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal,
    });
    return { status: response.status, body: await boundedText(response) };
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    const why = late ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    const reason = `${placeOf(url)} cannot be reached (${why}): check that it runs and the URL.`;
    return { ok: false, reason, retry: true, maybeHeard: !UNSENT.has(codeOf(error)) };
  }
}

/** The failure that a status means. */
export function httpFailure(url: string, { status, body }: HttpAnswer): NoAnswer {
  const said = body.trim() === '' ? '' : ` (${firstLine(body)})`;
  const what = `${placeOf(url)} answered HTTP ${status}${said}`;
  // What stands before the server may have lost its answer.
  const maybeHeard = status >= SERVER_ERROR || status < REDIRECTION;
  const isLost = (reason: string): NoAnswer => ({ ok: false, reason, retry: false, maybeHeard });
  if (status === 401 || status === 403) return isLost(`${what}: check the secret and its rights.`);
  if (status >= SERVER_ERROR || PASSING.has(status))
    return { ...isLost(`${what}: see its log; it is tried again.`), retry: true };
  return isLost(`${what}: check the URL.`);
}

function codeOf(error: unknown): unknown {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return cause?.code;
}

/** A URL without what may be secret in it. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    const piece = chunk as Uint8Array;
    bytes += piece.length;
    if (bytes > MOST_ANSWER_BYTES) break;
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}
