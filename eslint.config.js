import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';

// Each pattern is allowed in one place only.
const ADDON = {
  group: ['**/*.node', '**/build/**', 'bindings', 'node-gyp-build', 'pkg-prebuilds'],
  message: 'Only src/engine/binding.ts loads the addon.',
};
const PROTOBUF = {
  group: ['protobufjs', 'protobufjs/*', '@grpc/*', '**/gen/*'],
  message: 'Only src/api serializes protobuf and speaks gRPC.',
};
const MODULE = { name: 'node:module', message: 'Only src/engine/binding.ts loads the addon.' };
const CHILD_PROCESS = {
  name: 'node:child_process',
  message: 'Only the actuators of src/response start programs.',
};

const restrictImports = (paths, patterns) => ({
  'no-restricted-imports': ['error', { paths, patterns }],
});

export default defineConfig(
  globalIgnores(['dist', 'build', 'node_modules', 'src/api/gen', 'src/batch/generated']),
  { files: ['**/*.{js,mjs,cjs}'], languageOptions: { sourceType: 'module' } },
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      'no-restricted-globals': [
        'error',
        { name: 'eval', message: 'No code is made at run time.' },
        { name: 'Function', message: 'No code is made at run time.' },
      ],
      eqeqeq: 'error',
      // A leading underscore says that a position is there and not looked at.
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_+$',
          destructuredArrayIgnorePattern: '^_',
        },
      ],
      // Column reads are indexed within bounds that the batch header has set; `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `while (true)` with an exit inside is how a drain loop reads best.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      ...restrictImports([MODULE, CHILD_PROCESS], [ADDON, PROTOBUF]),
      'no-console': 'error',
    },
  },
  {
    files: ['src/engine/binding.ts'],
    rules: restrictImports([CHILD_PROCESS], [PROTOBUF]),
  },
  {
    files: ['src/api/**/*.ts'],
    rules: restrictImports([MODULE, CHILD_PROCESS], [ADDON]),
  },
  {
    files: ['src/response/actuators/**/*.ts'],
    rules: restrictImports([MODULE], [ADDON, PROTOBUF]),
  },
  {
    // flock(1) is the one door to a lock that the kernel lets go of.
    files: ['src/store/process_lock.ts', 'src/cli/responder_process.ts'],
    rules: restrictImports([MODULE], [ADDON, PROTOBUF]),
  },
  {
    // A benchmark measures whole processes.
    files: ['src/cli/bench_programs.ts'],
    rules: restrictImports([MODULE], [ADDON, PROTOBUF]),
  },
  {
    // Detectors are pure: time is packet time, and chance is seeded.
    files: ['src/detectors/**/*.ts', 'src/fusion/**/*.ts', 'src/models/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is packet time.' },
        { object: 'performance', property: 'now', message: 'Time is packet time.' },
        { object: 'Math', property: 'random', message: 'Chance is seeded.' },
      ],
    },
  },
  {
    // Tests look into JSON, whose shape is what they check.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
