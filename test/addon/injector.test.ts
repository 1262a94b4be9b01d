import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openInjector } from '../../src/engine/reset_injector.js';
import type { ResetInjector } from '../../src/response/actuators/reset_injector.js';

const EXITING = fileURLToPath(new URL('./support/exit_while_injecting.js', import.meta.url));
const OPTIONS = { tap: 'lo', out: 'lo', nextHop: null, resetsPerSecond: 10 };
// Of a network that is for documentation: nobody's connections are touched.
const TARGET = { host: '192.0.2.77', peer: null, peerPort: null, spared: [] };

describe('openInjector', () => {
  it('says that an interface is not there, which may change', () => {
    const opened = openInjector({ ...OPTIONS, tap: 'thymus-none' });
    assert.ok('ok' in opened);
    assert.match(opened.reason, /^There is no interface 'thymus-none': .*\.$/);
    assert.ok(opened.retry);
  });
});

describe('an injector', () => {
  let injector: ResetInjector;

  beforeEach(function () {
    const opened = openInjector(OPTIONS);
    if ('ok' in opened) {
      console.log(`skipped: ${opened.reason}`);
      this.skip();
    }
    injector = opened;
  });
  afterEach(() => (injector as ResetInjector | undefined)?.close());

  it('takes targets of both IP versions, and tells of each', () => {
    const targets = [
      TARGET,
      {
        host: '2001:db8::1',
        peer: '2001:db8::2',
        peerPort: 443,
        spared: [{ from: '2001:db8::1', to: '2001:db8::2', port: null }],
      },
    ];
    assert.deepEqual(injector.setTargets(targets), { ok: true });
    const { isListening, sent, targets: told } = injector.state();
    assert.deepEqual({ isListening, sent }, { isListening: true, sent: 0 });
    const nothing = { answered: 0, isOutlived: false };
    assert.deepEqual(told, [nothing, nothing]);
    assert.deepEqual(injector.setTargets([]), { ok: true });
    assert.deepEqual(injector.state().targets, []);
  });

  it('takes 512 targets and no more', () => {
    const many = Array.from({ length: 513 }, (_, i) => ({
      ...TARGET,
      host: `198.51.100.${i & 255}`,
      peer: `203.0.113.${i >> 8}`,
    }));
    assert.deepEqual(injector.setTargets(many.slice(1)), { ok: true });
    const outcome = injector.setTargets(many);
    assert.equal(outcome.ok, false);
    assert.equal(injector.state().targets.length, 512);
  });

  it('can be closed twice, and says that it is', () => {
    injector.close();
    injector.close();
    assert.throws(() => injector.state(), /closed/);
    const outcome = injector.setTargets([TARGET]);
    assert.match(outcome.ok ? '' : outcome.reason, /closed/);
  });

  for (const [how, code] of [
    ['exit', 7],
    ['throw', 1],
  ] as const) {
    it(`lets the process end by ${how} while it hears`, () => {
      const { status } = spawnSync(process.execPath, [EXITING, how], { timeout: 20_000 });
      assert.equal(status, code);
    });
  }
});
