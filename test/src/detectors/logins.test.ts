import assert from 'node:assert/strict';
import { compareAlarms } from '../../../src/domain/incident.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, START_US, Traffic } from '../support/traffic.js';
import type { Fields } from '../support/batch_writer.js';

const SOURCE = '10.0.0.7';
const SERVER = '10.0.0.20';

interface Case {
  readonly kind: string;
  readonly port: number;
  /** The server is who says it. */
  readonly isReply?: boolean;
  readonly login: (failed: boolean, user: string) => Fields;
}

const CASES: readonly Case[] = [
  {
    kind: 'ftp',
    port: 21,
    login: (failed) => ({ command: 'PASS', completion_code: [failed ? '530' : '230'] }),
  },
  {
    kind: 'krb5',
    port: 88,
    isReply: true,
    login: (failed, cname) =>
      failed
        ? { msg_type: 'KRB_ERROR', error_code: 'KDC_ERR_PREAUTH_FAILED', cname }
        : { msg_type: 'KRB_AS_REP', cname },
  },
  {
    kind: 'ldap',
    port: 389,
    login: (failed, name) => ({
      request: { operation: 'bind_request', bind_request: { version: 3, name } },
      responses: [
        {
          operation: 'bind_response',
          bind_response: { result_code: failed ? 'invalid_credentials' : 'success' },
        },
      ],
    }),
  },
  {
    kind: 'smb',
    port: 445,
    login: (failed, user) => ({
      command: 'SMB2_COMMAND_SESSION_SETUP',
      status: failed ? 'STATUS_LOGON_FAILURE' : 'STATUS_SUCCESS',
      ntlmssp: { user },
    }),
  },
  { kind: 'http', port: 80, login: (failed) => ({ url: '/', status: failed ? 401 : 200 }) },
  {
    kind: 'imap',
    port: 143,
    login: (failed, user) => ({
      request: { command: 'LOGIN', user },
      response: { status: failed ? 'NO' : 'OK' },
    }),
  },
  {
    kind: 'pop3',
    port: 110,
    login: (failed) => ({ request: { command: 'PASS' }, response: { success: !failed } }),
  },
  { kind: 'mysql', port: 3306, login: (failed, user) => ({ success: !failed, user }) },
  { kind: 'tds', port: 1433, login: (failed, user) => ({ success: !failed, user }) },
  { kind: 'telnet', port: 23, login: (failed, user) => ({ success: !failed, user }) },
  {
    kind: 'pgsql',
    port: 5432,
    login: (failed) => ({
      response: failed ? { code: '28P01' } : { message: 'authentication_ok' },
    }),
  },
  {
    kind: 'rfb',
    port: 5900,
    login: (failed) => ({ authentication: { security_result: failed ? 'FAIL' : 'OK' } }),
  },
];

function logins(
  { kind, port, isReply = false, login }: Case,
  { n, gap, failed }: { n: number; gap: number; failed: (i: number) => boolean },
): Traffic {
  const traffic = new Traffic();
  for (let i = 0; i < n; i++) {
    const flow = { at: i * gap, from: SOURCE, to: SERVER, port };
    traffic.say(flow, kind, login(failed(i), 'anna'), isReply);
  }
  return traffic;
}

describe('logins whose outcome is said', () => {
  for (const one of CASES) {
    it(`by ${one.kind} are told of when they are guessed, within 24`, () => {
      const { alarms, incidents } = judge(logins(one, { n: 40, gap: 2, failed: () => true }));
      assert.equal(incidents.length, 1);
      assert.equal(incidents[0]!.entity.address, SOURCE);
      assert.equal(incidents[0]!.detectors[0], 'brute_force');
      assert.deepEqual(incidents[0]!.others, [SERVER]);
      assert.match(incidents[0]!.summary, /guessed passwords at 10\.0\.0\.20 by .*: 40 logins/);
      assert.ok(incidents[0]!.evidence.every(({ flows }) => flows[0]!.isAnswered === true));
      assert.ok(alarms[0]!.timeUs - START_US <= 48e6, `${alarms[0]!.timeUs - START_US}`);
    });

    it(`by ${one.kind} are no alarm when they work, or one in five fails`, () => {
      assert.deepEqual(judge(logins(one, { n: 300, gap: 1, failed: () => false })).incidents, []);
      const typos = logins(one, { n: 300, gap: 20, failed: (i) => i % 5 === 0 });
      assert.deepEqual(judge(typos).incidents, []);
    });

    it(`by ${one.kind} of a job that fails once a minute are no alarm`, () => {
      assert.deepEqual(judge(logins(one, { n: 300, gap: 61, failed: () => true })).incidents, []);
    });
  }

  const spray = (): Traffic => {
    const { port, kind, login } = CASES.find((one) => one.kind === 'smb')!;
    const traffic = new Traffic();
    for (let i = 0; i < 30; i++) {
      const flow = { at: i * 400, from: SOURCE, to: `10.0.0.${20 + (i % 9)}`, port };
      traffic.say(flow, kind, login(true, `user${i}`));
    }
    return traffic;
  };

  it('are told of when one password is tried with many names, however slowly, over many servers', () => {
    const { alarms, incidents } = judge(spray());
    assert.equal(incidents.length, 1);
    assert.match(incidents[0]!.summary, /with \d+ names/);
    assert.ok(alarms[0]!.timeUs - START_US <= 10 * 400e6);
  });

  it('are remembered by the next run', () => {
    assertGoesOn(spray(), [805, 5000]);
    assertGoesOn(logins(CASES[0]!, { n: 40, gap: 2, failed: (i) => i % 9 > 0 }), [5, 30]);
  });

  it('are judged the same with several shards', () => {
    const one = judge(spray()).alarms;
    for (const shards of [2, 3]) {
      assert.deepEqual(judge(spray(), { shards }).alarms.sort(compareAlarms), one);
    }
  });

  it('of a computer with its domain are told of when it tries again at once', () => {
    const login = (at: number): Parameters<Traffic['say']> => [
      { at, from: SOURCE, to: SERVER, port: 49_668 },
      'dcerpc',
      {
        request: 'REQUEST',
        req: { opnum: 26 },
        interfaces: [{ uuid: '12345678-1234-abcd-ef00-01234567cffb' }],
      },
    ];
    const attack = new Traffic();
    const daily = new Traffic();
    for (let i = 0; i < 40; i++) {
      attack.say(...login(i * 0.1));
      daily.say(...login(i * 900));
    }
    assert.match(judge(attack).incidents[0]!.summary, /by Netlogon/);
    assert.deepEqual(judge(daily).incidents, []);
  });
});
