import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';

import { definitionOf } from '../../../src/api/grpc/service_definition.js';
import type { DescriptorFile } from '../../../src/api/grpc/descriptors.js';
import type { thymus } from '../../../src/api/gen/thymus_v1.js';

type Call = (request: object, done: (error: ServiceError | null, answer: never) => void) => void;

/** A client of one service, as a program of somebody else would have it. */
export class GrpcClient {
  readonly #client: Client & Record<string, unknown>;

  constructor(
    place: string,
    credentials: ChannelCredentials,
    { services }: DescriptorFile,
    codecs: object,
  ) {
    const definition = definitionOf(services[0]!, codecs as never);
    const Constructor = makeGenericClientConstructor(definition, 'Thymus');
    const options = { 'grpc.ssl_target_name_override': 'localhost' };
    this.#client = new Constructor(place, credentials, options);
  }

  call<T>(method: string, request: object = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      (this.#client[method] as Call).call(this.#client, request, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
  }

  stream(method: string, request: object): ClientReadableStream<thymus.v1.Envelope> {
    const open = this.#client[method] as (r: object) => ClientReadableStream<thymus.v1.Envelope>;
    return open.call(this.#client, request);
  }

  duplex<Q, A>(method: string): ClientDuplexStream<Q, A> {
    return (this.#client[method] as () => ClientDuplexStream<Q, A>).call(this.#client);
  }

  close(): void {
    this.#client.close();
  }
}

/** What a subscription over gRPC gave, and how it ended. */
export class Subscriber {
  readonly envelopes: thymus.v1.Envelope[] = [];
  readonly call: ClientReadableStream<thymus.v1.Envelope>;
  /** Null after a good end. */
  readonly ended: Promise<ServiceError | null>;
  #waiting: (() => void) | null = null;

  constructor(client: GrpcClient, request: object) {
    this.call = client.stream('Watch', request);
    this.call.on('data', (envelope: thymus.v1.Envelope) => {
      this.envelopes.push(envelope);
      this.#waiting?.();
    });
    this.ended = new Promise((resolve) => {
      this.call.on('error', resolve);
      this.call.on('end', () => setImmediate(() => resolve(null)));
    });
  }

  /** Settles when there is a message of which this holds. */
  async until(holds: (envelope: thymus.v1.Envelope) => boolean): Promise<thymus.v1.Envelope> {
    for (;;) {
      const found = this.envelopes.find(holds);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  get summaries(): string[] {
    return this.envelopes.flatMap(({ verdict }) => [verdict?.summary ?? []].flat());
  }
}
