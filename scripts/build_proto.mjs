// Makes code and types from each proto/NAME.proto, where they are out of date:
// dist/src/api/gen/NAME.js and, for the compiler, src/api/gen/NAME.d.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pbjs = join(root, 'node_modules/protobufjs-cli/bin/pbjs');
const types = join(root, 'src/api/gen');
const code = join(root, 'dist/src/api/gen');

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function generate(source, codeFile, typesFile) {
  const options = ['--target', 'static-module', '--wrap', 'esm', '--force-number', '--dts'];
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

mkdirSync(types, { recursive: true });
mkdirSync(code, { recursive: true });
for (const file of readdirSync(join(root, 'proto')).filter((name) => name.endsWith('.proto'))) {
  const source = join(root, 'proto', file);
  const codeFile = join(code, `${basename(file, '.proto')}.js`);
  const typesFile = join(types, `${basename(file, '.proto')}.d.ts`);
  if (Math.min(modified(codeFile), modified(typesFile)) <= modified(source)) {
    generate(source, codeFile, typesFile);
  }
}
