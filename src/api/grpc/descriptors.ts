import { readFileSync } from 'node:fs';

/** A file of messages and services, as clients ask for it; scripts/build_proto.mjs has made it. */
export interface DescriptorFile {
  readonly name: string;
  /** FileDescriptorProto as base64. */
  readonly descriptor: string;
  readonly services: readonly ServiceDescriptor[];
  /** Full names of all that it defines: services, methods, messages, enums. */
  readonly symbols: readonly string[];
}

export interface ServiceDescriptor {
  readonly name: string;
  readonly methods: readonly MethodDescriptor[];
}

export interface MethodDescriptor {
  readonly name: string;
  /** Full names of messages. */
  readonly request: string;
  readonly response: string;
  readonly streamsRequests: boolean;
  readonly streamsResponses: boolean;
}

/** @param name of proto/NAME.proto */
export function descriptorFile(name: string): DescriptorFile {
  const url = new URL(`../gen/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as DescriptorFile;
}
