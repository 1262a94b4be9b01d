import { status, type ServerDuplexStream, type UntypedServiceImplementation } from '@grpc/grpc-js';

import { grpc } from '../gen/grpc_reflection_v1.js';
import { descriptorFile, type DescriptorFile } from './descriptors.js';
import { definitionOf, type Definition } from './service_definition.js';

const { v1 } = grpc.reflection;
type Request = grpc.reflection.v1.ServerReflectionRequest;
type Response = grpc.reflection.v1.ServerReflectionResponse.$Properties;

const FILE = descriptorFile('grpc_reflection_v1');

export const REFLECTION_SERVICE: Definition = definitionOf(FILE.services[0]!, v1);

/**
 * Server reflection: tells clients such as grpcurl what is spoken here.
 * @param files of the other services
 */
export function reflectionHandlers(files: readonly DescriptorFile[]): UntypedServiceImplementation {
  const all = [...files, FILE];
  return {
    ServerReflectionInfo(call: ServerDuplexStream<Request, Response>) {
      call.on('data', (request: Request) => {
        if (!call.write({ ...answer(all, request), originalRequest: request })) call.pause();
      });
      call.on('drain', () => call.resume());
      call.on('end', () => call.end());
      call.on('error', () => call.end());
    },
  };
}

function answer(all: readonly DescriptorFile[], request: Request): Response {
  const { fileByFilename, fileContainingSymbol, listServices } = request;
  if (listServices !== undefined && listServices !== null) {
    const service = all.flatMap(({ services }) => services.map(({ name }) => ({ name })));
    return { listServicesResponse: { service } };
  }
  const file = all.find(
    ({ name, symbols }) => name === fileByFilename || symbols.includes(fileContainingSymbol ?? ''),
  );
  if (file !== undefined) {
    const fileDescriptorProto = [Buffer.from(file.descriptor, 'base64')];
    return { fileDescriptorResponse: { fileDescriptorProto } };
  }
  // There are no extensions in proto3.
  const errorMessage = `Nothing of this name is here.`;
  return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage } };
}
