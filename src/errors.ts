/**
 * The error catalogue: every error a user can meet has a code, a message and the exit code of the
 * command line. A message is one sentence that says what is wrong and what to do.
 */
export const ERRORS = {
  USAGE: { exit: 2 },
  UNREADABLE_INPUT: { exit: 2 },
  CONFIG_INVALID: { exit: 2 },
  OUTPUT_FAILED: { exit: 1 },
  ADDON_MISSING: { exit: 1 },
  ADDON_STALE: { exit: 1 },
  STORE_UNAVAILABLE: { exit: 1 },
  NO_SUCH_INCIDENT: { exit: 2 },
  NO_SUCH_DEVICE: { exit: 2 },
  MODEL_INVALID: { exit: 2 },
  JOURNAL_DAMAGED: { exit: 1 },
  LOG_DAMAGED: { exit: 1 },
  RESPONDER_ABSENT: { exit: 1 },
  RESPONDER_BUSY: { exit: 1 },
  NO_SUCH_ACTION: { exit: 2 },
  REFUSED: { exit: 1 },
  INTERNAL: { exit: 1 },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** The one error class that thymus throws on purpose. */
export class ThymusError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ThymusError';
    this.code = code;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}
