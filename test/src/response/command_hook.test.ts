import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { CommandHook } from '../../../src/response/actuators/command_hook.js';
import { allDone, eachFolder, failure, order } from './support.js';

const isolate = order('a-1', { kind: 'isolate', host: '10.0.0.1' });

describe('CommandHook', () => {
  const folder = eachFolder();
  const hook = (script: string, timeoutMs = 10_000): CommandHook => {
    const path = join(folder(), 'hook.sh');
    writeFileSync(path, `#!/bin/sh\ncd '${folder()}'\n${script}\n`);
    chmodSync(path, 0o755);
    return new CommandHook({
      program: [path, '--fast'],
      timeoutMs,
      kinds: null,
      expiresByItself: false,
    });
  };

  it('gives the verb as an argument and the orders on standard input', async () => {
    const command = hook('echo "$@" >args; cat >input');
    allDone(await command.apply([isolate]));
    assert.equal(readFileSync(join(folder(), 'args'), 'utf8'), '--fast apply\n');
    assert.deepEqual(JSON.parse(readFileSync(join(folder(), 'input'), 'utf8')), {
      version: 1,
      verb: 'apply',
      orders: [{ id: 'a-1', measure: { kind: 'isolate', host: '10.0.0.1' }, ttl_ms: 60_000 }],
    });
    allDone(await command.undo([isolate]));
    assert.equal(readFileSync(join(folder(), 'args'), 'utf8'), '--fast undo\n');
    allDone([await command.panic()]);
    assert.equal(readFileSync(join(folder(), 'args'), 'utf8'), '--fast panic\n');
  });

  it('asks what is enforced', async () => {
    const command = hook(
      'case $2 in verify) exit 1;; list) echo a-1; echo "no id"; echo a-2;; esac',
    );
    assert.equal(await command.verify(isolate), false);
    assert.deepEqual(await command.list(), ['a-1', 'a-2']);
    assert.equal(await hook('exit 0').verify(isolate), true);
    assert.equal(await hook('exit 7').verify(isolate), null);
    assert.equal(await hook('exit 7').list(), null);
  });

  it('tells an exit code and what was said', async () => {
    const [outcome] = await hook('echo "the firewall is away" >&2; exit 3').apply([isolate]);
    const { reason, retry } = failure(outcome);
    assert.match(reason, /exit code 3 \(the firewall is away\)/);
    assert.ok(retry);
    assert.ok(!failure((await hook('exit 64').apply([isolate]))[0]).retry);
  });

  it('stops a command that does not end, with all that it has started', async () => {
    const command = hook('sleep 5; touch late', 200);
    const begun = performance.now();
    const { reason, retry } = failure((await command.apply([isolate]))[0]);
    assert.match(reason, /did not end within 200 ms/);
    assert.ok(retry && performance.now() - begun < 4000);
    assert.ok(!existsSync(join(folder(), 'late')));
  });

  it('says that the command is missing or may not be started', async () => {
    const settings = { timeoutMs: 1000, kinds: null, expiresByItself: false };
    const missing = new CommandHook({ ...settings, program: ['/nowhere/x'] });
    const first = failure((await missing.apply([isolate]))[0]);
    assert.match(first.reason, /is missing: install it/);
    assert.ok(!first.retry);
    const path = join(folder(), 'plain');
    writeFileSync(path, '');
    const plain = new CommandHook({ ...settings, program: [path] });
    assert.match(failure((await plain.apply([isolate]))[0]).reason, /make it executable/);
  });

  it('never lets a shell read an order', async () => {
    const command = hook('cat >input');
    const evil = order('a-1', { kind: 'sinkhole', domain: '$(touch evil); `touch evil`' });
    allDone(await command.apply([evil]));
    assert.ok(!existsSync(join(folder(), 'evil')));
    assert.match(command.plan([evil]), /hook\.sh" "--fast" "apply"/);
  });

  it('is asked for the kinds that it is there for', () => {
    const settings = { program: ['x'] as [string], timeoutMs: 1, expiresByItself: false };
    const some = new CommandHook({ ...settings, kinds: ['isolate'] });
    assert.ok(some.handles(isolate.measure));
    assert.ok(!some.handles({ kind: 'sinkhole', domain: 'bad.example' }));
    const all = new CommandHook({ ...settings, kinds: null });
    assert.ok(!all.handles({ kind: 'observe', host: '10.0.0.1' }));
  });
});
