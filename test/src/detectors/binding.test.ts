import assert from 'node:assert/strict';
import { compareAlarms } from '../../../src/domain/incident.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, START_US, Traffic } from '../support/traffic.js';

const GATEWAY = { ip: '10.0.0.1', mac: '00:11:22:00:00:01' };
const VICTIM = { ip: '10.0.0.20', mac: '00:11:22:00:00:20' };
const ATTACKER = { ip: '10.0.0.66', mac: '00:11:22:00:00:66' };

/** Stations that ask each other for an hour. */
function office(): Traffic {
  const traffic = new Traffic();
  for (let at = 0; at < 3600; at += 30) {
    traffic.claim(at, { ...GATEWAY, asks: VICTIM.ip });
    traffic.claim(at + 1, { ...VICTIM, asks: GATEWAY.ip });
    traffic.claim(at + 2, { ...ATTACKER, asks: GATEWAY.ip });
  }
  return traffic;
}

function poison(traffic: Traffic, from: number): Traffic {
  for (let i = 0; i < 30; i++) {
    traffic.claim(from + 2 * i, { ip: GATEWAY.ip, mac: ATTACKER.mac, asks: VICTIM.ip });
    traffic.claim(from + 2 * i + 0.01, { ip: VICTIM.ip, mac: ATTACKER.mac, asks: GATEWAY.ip });
  }
  return traffic;
}

describe('address binding', () => {
  it('is told of who answers for others, under its own address', () => {
    const { alarms, incidents } = judge(poison(office(), 100));
    assert.equal(incidents.length, 1);
    assert.equal(incidents[0]!.entity.address, ATTACKER.ip);
    assert.equal(incidents[0]!.detectors[0], 'binding');
    assert.match(
      incidents[0]!.summary,
      /\(station 00:11:22:00:00:66\) claimed 10\.0\.0\.1, 10\.0\.0\.20 \d+ times in .* while the owner was there/,
    );
    assert.ok(alarms[0]!.timeUs - START_US <= 150e6, `${alarms[0]!.timeUs - START_US}`);
  });

  it('is told at once when it is the gateway that everybody was told of', () => {
    const traffic = office().lease(5, { server: GATEWAY.ip, router: GATEWAY.ip });
    const { alarms, incidents } = judge(poison(traffic, 1800));
    assert.ok(alarms[0]!.timeUs - START_US <= 1801e6);
    assert.match(incidents[0]!.evidence[0]!.reason, /claims the gateway 10\.0\.0\.1/);
  });

  it('is remembered by the next run', () => {
    const traffic = office().lease(5, { server: GATEWAY.ip, router: GATEWAY.ip });
    traffic.lease(1500, { server: ATTACKER.ip, router: ATTACKER.ip });
    assertGoesOn(poison(poison(traffic, 100), 1800), [110, 1495, 1790, 1820]);
  });

  it('is told under the claimed address when the station has none', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 20; i++) {
      traffic.claim(i * 3, VICTIM);
      traffic.claim(i * 3 + 1, { ip: VICTIM.ip, mac: ATTACKER.mac });
    }
    assert.equal(judge(traffic).incidents[0]!.entity.address, VICTIM.ip);
  });

  it('is judged the same with several shards', () => {
    const one = judge(poison(office(), 100)).alarms;
    for (const shards of [2, 3]) {
      assert.deepEqual(judge(poison(office(), 100), { shards }).alarms.sort(compareAlarms), one);
    }
  });

  it('may move when its owner has left, and to and fro between routers that share a station', () => {
    const traffic = office().lease(5, { server: GATEWAY.ip, router: '10.0.0.254' });
    for (let i = 0; i < 40; i++) {
      traffic.claim(i * 90, { ip: '10.0.0.99', mac: `00:11:22:00:01:${10 + i}` });
      traffic.claim(i * 10, { ip: '10.0.0.254', mac: i % 2 ? '00:00:5e:00:01:01' : GATEWAY.mac });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  it('of a changed network card is no alarm', () => {
    const traffic = office();
    for (let i = 0; i < 20; i++) traffic.claim(i * 30, { ip: '10.0.0.30', mac: VICTIM.mac });
    for (let i = 21; i < 60; i++) traffic.claim(i * 30, { ip: '10.0.0.30', mac: ATTACKER.mac });
    assert.deepEqual(judge(traffic).incidents, []);
  });
});

describe('an address that a cluster hands on', () => {
  it('is no alarm, however often its new owner says so', () => {
    const traffic = office();
    for (let i = 0; i < 20; i++) traffic.claim(i * 10, { ip: '10.0.0.30', mac: VICTIM.mac });
    for (let i = 0; i < 50; i++) {
      traffic.claim(195 + i, { ip: '10.0.0.30', mac: '00:11:22:00:00:31' });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });
});

describe('DHCP servers', () => {
  const known = (): Traffic => {
    const traffic = new Traffic();
    for (let i = 0; i < 20; i++) traffic.lease(i * 60, { server: '10.0.0.1', router: '10.0.0.1' });
    return traffic;
  };
  const ofSubnet = { assigned_ip: '10.0.0.200', subnet_mask: '255.255.255.0' };

  it('that give a subnet another gateway are told of at once', () => {
    const traffic = known().lease(1100, {
      server: '10.0.0.66',
      router: '10.0.0.67',
      fields: ofSubnet,
    });
    const { alarms, incidents } = judge(traffic);
    assert.equal(alarms[0]!.timeUs - START_US, 1100e6);
    assert.match(
      incidents[0]!.summary,
      /^10\.0\.0\.66 .*, with 10\.0\.0\.67 for the gateway 10\.0\.0\.1$/,
    );
  });

  it('that are spare, of another subnet, or behind a relay are no alarm', () => {
    const router = '10.0.0.67';
    for (const lease of [
      { router: '10.0.0.1', fields: ofSubnet },
      { router, fields: { ...ofSubnet, assigned_ip: '10.0.1.200' } },
      { router, fields: { ...ofSubnet, relay_ip: '10.0.0.1' } },
      { router, fields: { ...ofSubnet, subnet_mask: 'x' } },
    ]) {
      assert.deepEqual(judge(known().lease(1100, { server: '10.0.0.66', ...lease })).incidents, []);
    }
  });

  it('that come beside a known one are no alarm alone', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 20; i++) traffic.lease(i * 60, { server: '10.0.0.1', router: '10.0.0.1' });
    const one = judge(traffic.lease(1100, { server: '10.0.0.66', router: '10.0.0.66' }));
    assert.deepEqual(one.incidents, []);
  });
});
