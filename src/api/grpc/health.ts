import {
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

import { grpc } from '../gen/grpc_health_v1.js';
import { descriptorFile } from './descriptors.js';
import { definitionOf, type Definition } from './service_definition.js';

const { v1 } = grpc.health;
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = v1.HealthCheckResponse.ServingStatus;
type Request = grpc.health.v1.HealthCheckRequest;
type Response = grpc.health.v1.HealthCheckResponse.$Properties;
type Watcher = ServerWritableStream<Request, Response>;

const MOST_WATCHERS = 64;

export const HEALTH_FILE = descriptorFile('grpc_health_v1');
export const HEALTH_SERVICE: Definition = definitionOf(HEALTH_FILE.services[0]!, v1);

/** The health service: everything is served until the run ends. */
export class Health {
  readonly #services: readonly string[];
  readonly #watchers = new Set<Watcher>();
  #isServing = true;

  /** @param services full names; the empty name, which means the whole server, is known too */
  constructor(services: readonly string[]) {
    this.#services = ['', ...services];
  }

  get handlers(): UntypedServiceImplementation {
    return {
      Check: (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => {
        const { service } = call.request;
        if (this.#services.includes(service)) answer(null, { status: this.#statusOf(service) });
        else answer({ code: status.NOT_FOUND, details: `There is no service '${service}'.` });
      },
      Watch: (call: Watcher) => {
        if (this.#watchers.size >= MOST_WATCHERS) {
          call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'Too many watch.' });
          return;
        }
        this.#watchers.add(call);
        call.on('cancelled', () => this.#watchers.delete(call));
        call.write({ status: this.#statusOf(call.request.service) });
      },
    };
  }

  /** Tells all that nothing is served any more. */
  stop(): void {
    this.#isServing = false;
    for (const call of this.#watchers) {
      call.write({ status: this.#statusOf(call.request.service) });
      call.end();
    }
    this.#watchers.clear();
  }

  #statusOf(service: string): grpc.health.v1.HealthCheckResponse.ServingStatus {
    if (!this.#services.includes(service)) return SERVICE_UNKNOWN;
    return this.#isServing ? SERVING : NOT_SERVING;
  }
}
