import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { LAYOUT_HASH } from '../../src/batch/generated/record_layout.js';
import { layoutHash } from '../../src/engine/binding.js';
import { PROJECT } from './support/project.js';

describe('generated files', () => {
  it('are what their lists make', () => {
    const check = spawnSync(process.execPath, [join(PROJECT, 'scripts/generate.mjs'), '--check'], {
      encoding: 'utf8',
    });
    assert.equal(check.stderr, '');
    assert.equal(check.status, 0);
  });

  it('are the same in the native core and in TypeScript', () => {
    assert.equal(layoutHash(), LAYOUT_HASH);
  });
});
