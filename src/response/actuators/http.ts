import { failed, firstLine, reasonOf, refused } from './outcome.js';
import type { Outcome } from './actuator.js';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const MOST_ANSWER_BYTES = 1 << 20;
/** Statuses of a server that may think otherwise later: busy, late, or failed by itself. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Sends a body and reads a bounded answer; follows no redirect, so that orders stay where they belong. */
export async function post(
  url: string,
  body: string,
  options: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Promise<HttpAnswer | Outcome> {
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
    return failed(`${placeOf(url)} cannot be reached (${why}): check that it runs and the URL.`);
  }
}

/** The failure that a status means. */
export function httpFailure(url: string, { status, body }: HttpAnswer): Outcome {
  const said = body.trim() === '' ? '' : ` (${firstLine(body)})`;
  const what = `${placeOf(url)} answered HTTP ${status}${said}`;
  if (status === 401 || status === 403) return refused(`${what}: check the secret and its rights.`);
  if (status >= 500 || PASSING.has(status))
    return failed(`${what}: see its log; it is tried again.`);
  return refused(`${what}: check the URL.`);
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
