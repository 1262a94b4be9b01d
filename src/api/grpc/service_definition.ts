import type { MethodDefinition } from '@grpc/grpc-js';

import type { MethodDescriptor, ServiceDescriptor } from './descriptors.js';

/** A class of generated code. */
export interface MessageCodec {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

export type Definition = Record<string, MethodDefinition<object, object>>;

/**
 * What grpc-js needs to know of a service, for servers and clients. A response that is bytes goes
 * out as it is: the messages of a stream are encoded once for all subscribers.
 * @param codecs by the last part of a message's name
 */
export function definitionOf(
  { name, methods }: ServiceDescriptor,
  codecs: Readonly<Record<string, unknown>>,
): Definition {
  const codec = (message: string): MessageCodec =>
    codecs[message.slice(message.lastIndexOf('.') + 1)] as MessageCodec;
  return Object.fromEntries(
    methods.map((method) => [
      method.name,
      methodOf(`/${name}/${method.name}`, method, [codec(method.request), codec(method.response)]),
    ]),
  );
}

function methodOf(
  path: string,
  { streamsRequests, streamsResponses }: MethodDescriptor,
  [request, response]: readonly [MessageCodec, MessageCodec],
): MethodDefinition<object, object> {
  return {
    path,
    requestStream: streamsRequests,
    responseStream: streamsResponses,
    requestSerialize: (message) => encoded(request, message),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => encoded(response, message),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function encoded(codec: MessageCodec, message: object): Buffer {
  const bytes = message instanceof Uint8Array ? message : codec.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
