// Makes code, types and descriptors from each proto/NAME.proto, where they are out of date:
// dist/src/api/gen/NAME.js and NAME.json and, for the compiler, src/api/gen/NAME.d.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pbjs = join(root, 'node_modules/protobufjs-cli/bin/pbjs');
const types = join(root, 'src/api/gen');
const code = join(root, 'dist/src/api/gen');

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function generate(source, codeFile, typesFile) {
  // Each file has a root of its own, since several define the same package.
  const options = ['--target', 'static-module', '--wrap', 'esm', '--force-number', '--no-service'];
  options.push('--dts', '--root', basename(source, '.proto'));
  execFileSync(process.execPath, [pbjs, ...options, '--out', codeFile, source], {
    stdio: 'inherit',
  });
  renameSync(codeFile.replace(/\.js$/, '.d.ts'), typesFile);
  writeFileSync(codeFile, withPlainNumbers(readFileSync(codeFile, 'utf8')));
}

// With --force-number the types promise numbers, but the code still reads 64-bit fields as Long
// objects. Times are microseconds and counts stay far below 2^53, so a double is exact.
function withPlainNumbers(text) {
  const helper = "const $plain = (v) => (typeof v === 'number' ? v : v.toNumber());\n";
  return text
    .replace('// Exported root namespace', `${helper}\n// Exported root namespace`)
    .replace(/\breader\.((?:u|s)?int64|s?fixed64)\(\)/g, '$plain(reader.$1())')
    .replace(/\$util\.Long \? \$util\.Long\.fromBits\(0,0,(?:true|false)\) : 0/g, '0');
}

// What a server tells those who ask what it speaks: the FileDescriptorProto of one file, imports
// included, and the names in it. Names of types are made absolute, which clients rely on.
function writeDescriptor(source, descriptorFile) {
  const root = new protobuf.Root();
  root.loadSync(source, { keepCase: true }).resolveAll();
  const [file] = root.toDescriptor('proto3').file;
  const prefix = `${file.package}.`;
  file.name = basename(source);
  for (const message of file.messageType) qualify(message, root.lookupType(prefix + message.name));
  const services = file.service.map(({ name, method }) => ({
    name: prefix + name,
    methods: method.map((one) => ({
      name: one.name,
      request: one.inputType.slice(1),
      response: one.outputType.slice(1),
      streamsRequests: one.clientStreaming,
      streamsResponses: one.serverStreaming,
    })),
  }));
  const symbols = [
    ...services.flatMap(({ name, methods }) => [
      name,
      ...methods.map((one) => `${name}.${one.name}`),
    ]),
    ...file.enumType.map(({ name }) => prefix + name),
    ...file.messageType.flatMap((message) => symbolsOf(prefix, message)),
  ];
  const bytes = protobuf.descriptor.FileDescriptorProto.encode(file).finish();
  const descriptor = Buffer.from(bytes).toString('base64');
  writeFileSync(descriptorFile, JSON.stringify({ name: file.name, descriptor, services, symbols }));
}

function symbolsOf(prefix, { name, nestedType, enumType }) {
  const inner = `${prefix}${name}.`;
  return [
    prefix + name,
    ...enumType.map((one) => inner + one.name),
    ...nestedType.flatMap((one) => symbolsOf(inner, one)),
  ];
}

function qualify(message, type) {
  for (const field of message.field.filter(({ typeName }) => typeName)) {
    field.typeName = type.fields[field.name].resolve().resolvedType.fullName;
  }
  for (const nested of message.nestedType) qualify(nested, type.get(nested.name));
}

mkdirSync(types, { recursive: true });
mkdirSync(code, { recursive: true });
const names = readdirSync(join(root, 'proto')).filter((name) => name.endsWith('.proto'));
// A file may import any other.
const newest = Math.max(...names.map((name) => modified(join(root, 'proto', name))));
for (const name of names) {
  const source = join(root, 'proto', name);
  const codeFile = join(code, `${basename(name, '.proto')}.js`);
  const typesFile = join(types, `${basename(name, '.proto')}.d.ts`);
  const descriptorFile = join(code, `${basename(name, '.proto')}.json`);
  if (Math.min(...[codeFile, typesFile, descriptorFile].map(modified)) > newest) continue;
  generate(source, codeFile, typesFile);
  writeDescriptor(source, descriptorFile);
}
