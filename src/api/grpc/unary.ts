import { status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';

import { ThymusError, type ErrorCode } from '../../errors.js';

/** Too many wait already. */
export class Busy extends Error {}

/** Whoever asks may not. */
export class Denied extends Error {}

/** A method with one request and one response; what it throws is answered in its words. */
export function unary<Request>(
  work: (request: Request, call: ServerUnaryCall<Request, object>) => Promise<object>,
) {
  return (call: ServerUnaryCall<Request, object>, answer: sendUnaryData<object>): void => {
    const answered = new Promise<object>((resolve) => resolve(work(call.request, call)));
    answered.then(
      (response) => answer(null, response),
      (error: unknown) => answer(refusal(error)),
    );
  };
}

const CODES: Readonly<Partial<Record<ErrorCode, status>>> = {
  USAGE: status.INVALID_ARGUMENT,
  NO_SUCH_INCIDENT: status.NOT_FOUND,
  NO_SUCH_ACTION: status.NOT_FOUND,
  REFUSED: status.FAILED_PRECONDITION,
  RESPONDER_ABSENT: status.FAILED_PRECONDITION,
  RESPONDER_BUSY: status.UNAVAILABLE,
  STORE_UNAVAILABLE: status.FAILED_PRECONDITION,
};

function refusal(error: unknown): { code: status; details: string } {
  if (error instanceof Busy) {
    const details = 'Too many requests wait for the store: ask again later.';
    return { code: status.RESOURCE_EXHAUSTED, details };
  }
  if (error instanceof Denied) return { code: status.PERMISSION_DENIED, details: error.message };
  if (!(error instanceof ThymusError)) {
    return { code: status.INTERNAL, details: String(error) };
  }
  return { code: CODES[error.code] ?? status.INTERNAL, details: error.message };
}

/**
 * Who asks. Over TLS that is whom the certificate names: nobody speaks for two people.
 * @param said in the request
 * @throws ThymusError USAGE when nobody is named, REFUSED when it is somebody else
 */
export function personOf(call: ServerUnaryCall<unknown, unknown>, said: string): string {
  const name = certifiedName(call);
  if (name === null) {
    if (said !== '') return said;
    throw new ThymusError('USAGE', "Nobody is named: say in 'by' who asks.");
  }
  if (name === '') throw new ThymusError('USAGE', 'The certificate of this client names nobody.');
  if (said === '' || said === name) return name;
  throw new ThymusError('REFUSED', `This client is ${name} and cannot speak for ${said}.`);
}

/** The common name in the certificate of the client; null where it has shown none. */
export function certifiedName(call: ServerUnaryCall<unknown, unknown>): string | null {
  const { sslPeerCertificate: certificate } = call.getAuthContext();
  return certificate === undefined ? null : [certificate.subject.CN].flat().join(',');
}
