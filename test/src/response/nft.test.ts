import assert from 'node:assert/strict';

import type { Measure } from '../../../src/domain/action.js';
import type { NftChange } from '../../../src/response/actuators/nft_change.js';
import { elementsOf, type NftElement } from '../../../src/response/actuators/nft_elements.js';
import { parseDuration, parseListing } from '../../../src/response/actuators/nft_listing.js';
import { NftOwners } from '../../../src/response/actuators/nft_owners.js';
import {
  NftScript,
  writeAdditions,
  writeRemovals,
} from '../../../src/response/actuators/nft_script.js';
import { installScript, roundedRate } from '../../../src/response/actuators/nft_table.js';

const edge = (protocol: 'tcp' | 'udp' | 'icmp' | 'any', port: number | null) => ({
  from: '10.0.0.1',
  to: '10.0.0.2',
  protocol,
  port,
});
const ids = (measure: Measure): readonly string[] => {
  const elements = elementsOf(measure);
  assert.ok(typeof elements !== 'string');
  return elements.map(({ set, key }) => `${set} ${key}`);
};

describe('elementsOf', () => {
  const cases: readonly (readonly [string, Measure, readonly string[]])[] = [
    ['an isolated host', { kind: 'isolate', host: '10.0.0.1' }, ['blocked_4 10.0.0.1']],
    [
      'IPv6 in its short form',
      { kind: 'block_external', address: '2001:DB8:0:0::1' },
      ['blocked_6 2001:db8::1'],
    ],
    [
      'an IPv4 address inside IPv6',
      { kind: 'block_external', address: '::ffff:192.0.2.1' },
      ['blocked_4 192.0.2.1'],
    ],
    [
      'one service',
      { kind: 'block_edge', edge: edge('tcp', 80) },
      ['edge_service_4 10.0.0.1 . 10.0.0.2 . 6 . 80'],
    ],
    [
      'a port of any protocol',
      { kind: 'block_edge', edge: edge('any', 53) },
      [
        'edge_service_4 10.0.0.1 . 10.0.0.2 . 6 . 53',
        'edge_service_4 10.0.0.1 . 10.0.0.2 . 17 . 53',
      ],
    ],
    [
      'all ports of a protocol',
      { kind: 'block_edge', edge: edge('udp', null) },
      ['edge_protocol_4 10.0.0.1 . 10.0.0.2 . 17'],
    ],
    [
      'ICMP, which has no ports',
      { kind: 'block_edge', edge: edge('icmp', 8) },
      ['edge_protocol_4 10.0.0.1 . 10.0.0.2 . 1'],
    ],
    [
      'everything between two hosts',
      { kind: 'block_edge', edge: edge('any', null) },
      ['edge_pair_4 10.0.0.1 . 10.0.0.2'],
    ],
    [
      'a pattern of life, what is allowed before what is held',
      { kind: 'hold_pattern', host: '10.0.0.1', edges: [edge('tcp', 443)] },
      ['allow_service_4 10.0.0.1 . 10.0.0.2 . 6 . 443', 'held_4 10.0.0.1'],
    ],
  ];
  for (const [title, measure, expected] of cases) {
    it(title, () => assert.deepEqual(ids(measure), expected));
  }

  it('gives a rate room for one joined packet', () => {
    const [element] = elementsOf({ kind: 'rate_limit', host: '10.0.0.1', bytesPerSecond: 10 });
    assert.equal(
      (element as NftElement).limit,
      ' limit rate over 10 bytes/second burst 65536 bytes',
    );
  });

  it('refuses what is no single address, so that no text becomes a command', () => {
    for (const host of ['10.0.0.0/8', 'x', '', '1.2.3.4 }; flush ruleset', 'fe80::1%eth0']) {
      assert.equal(typeof elementsOf({ kind: 'isolate', host }), 'string', host);
    }
    const mixed = { from: '10.0.0.1', to: 'fd00::1', protocol: 'tcp', port: 1 } as const;
    assert.equal(typeof elementsOf({ kind: 'block_edge', edge: mixed }), 'string');
  });

  it('refuses a pattern without bound', () => {
    const edges = Array.from({ length: 5000 }, () => edge('tcp', 1));
    assert.match(
      elementsOf({ kind: 'hold_pattern', host: '10.0.0.1', edges }) as string,
      /isolate the host/,
    );
  });
});

describe('roundedRate', () => {
  it('keeps two digits and never allows less than asked for', () => {
    const rates = [0, 1, 9.5, 99, 101, 1234, 99_999, 1e12].map(roundedRate);
    assert.deepEqual(rates, [1, 1, 10, 99, 110, 1300, 100_000, 10_000_000]);
  });
});

describe('installScript', () => {
  it('names only the own table', () => {
    const script = installScript({ at: 'ingress', devices: ['lan1'] });
    for (const command of script.split(/; (?=add|flush|delete)/)) {
      assert.match(command, /^(add|flush|delete) (table|set|map|chain|rule) inet thymus/);
    }
    assert.ok(!script.includes('\n'));
  });
});

describe('parseListing', () => {
  const LISTING = `table inet thymus {
	set limited_4 {
		type ipv4_addr
		size 262144
		flags dynamic,timeout
		elements = { 10.0.0.1 limit rate over 1000 bytes/second burst 64 kbytes timeout 10m expires 9m59s948ms comment "a-1" }
	}

	set blocked_6 {
		type ipv6_addr
		flags timeout
		elements = { 2001:db8::1 timeout 1d2h expires 1d1h comment "a-2",
			     2001:db8::2 timeout 20s comment "a-3 a-4" }
	}

	map victim_service_4 {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.0.0.2 . 6 . 80 timeout 10m expires 3s comment "a-5" : jump s_service_syn_5_4 }
	}

	set s_service_syn_5_4 {
		type ipv4_addr . ipv4_addr . inet_service
		elements = { 10.0.0.2 . 10.0.0.9 . 80 limit rate over 5/second timeout 1m expires 59s }
	}

	chain entry {
	}
}
`;

  it('reads elements with their owners and nothing else', () => {
    const listed = parseListing(LISTING).map(({ element, ids: owners, expiresMs }) => [
      `${element.set} ${element.key}`,
      element.target,
      owners,
      expiresMs,
    ]);
    assert.deepEqual(listed, [
      ['limited_4 10.0.0.1', '', ['a-1'], 599_948],
      ['blocked_6 2001:db8::1', '', ['a-2'], 90_000_000],
      ['blocked_6 2001:db8::2', '', ['a-3', 'a-4'], 20_000],
      ['victim_service_4 10.0.0.2 . 6 . 80', ' : jump s_service_syn_5_4', ['a-5'], 3000],
    ]);
  });

  it('bears a listing that is cut off anywhere', () => {
    for (let end = 0; end < LISTING.length; end++) parseListing(LISTING.slice(0, end));
  });

  it('reads durations', () => {
    assert.equal(parseDuration('1d2h3m4s500ms'), 93_784_500);
    assert.equal(parseDuration('500ms'), 500);
  });
});

describe('NftOwners', () => {
  const [element] = elementsOf({ kind: 'isolate', host: '10.0.0.1' }) as readonly NftElement[];
  const [limited] = elementsOf({
    kind: 'rate_limit',
    host: '10.0.0.1',
    bytesPerSecond: 1e6,
  }) as readonly NftElement[];

  /** What a change makes of the table at a time. */
  function changed(owners: NftOwners, nowMs: number, make: (change: NftChange) => void): string {
    const change = owners.begin(nowMs);
    make(change);
    const script = new NftScript();
    writeRemovals(script, change);
    writeAdditions(script, change, nowMs);
    change.commit();
    return script.bytes.toString();
  }

  const ADD = 'add element inet thymus blocked_4 { 10.0.0.1';
  const OUT = `${ADD} }; delete element inet thymus blocked_4 { 10.0.0.1 }`;

  it('keeps an element until its last owner lets go, with the longest time', () => {
    const owners = new NftOwners();
    const both = changed(owners, 1000, (change) => {
      change.add(element!, 'a', 5000);
      change.add(element!, 'b', 9000);
    });
    assert.equal(both, `${ADD} timeout 8000ms comment "a b" }`);
    const one = changed(owners, 1000, (change) => change.remove(element!, 'b'));
    assert.equal(one, `${OUT}; ${ADD} timeout 4000ms comment "a" }`);
    assert.equal(
      changed(owners, 1000, (change) => change.remove(element!, 'a')),
      OUT,
    );
    assert.equal(
      changed(owners, 1000, (change) => change.remove(element!, 'a')),
      '',
    );
  });

  it('names the newest three where more share one', () => {
    const owners = new NftOwners();
    const all = changed(owners, 0, (change) => {
      for (const id of ['a', 'b', 'c', 'd']) change.add(element!, id, 9000);
    });
    assert.match(all, /"b c d" }$/);
    owners.adopt([{ element: element!, ids: ['b', 'c', 'd'], expiresMs: 100 }], 0);
    const left = changed(owners, 0, (change) => {
      for (const id of ['b', 'c', 'd']) change.remove(element!, id);
    });
    assert.match(left, /timeout 9000ms comment "a" }$/);
  });

  it('writes each element once, however many of a change name it', () => {
    const text = changed(new NftOwners(), 0, (change) => {
      change.add(limited!, 'a', 10);
      change.add(element!, 'a', 10);
      change.add({ ...limited!, limit: ' limit rate over 1 bytes/second' }, 'b', 20);
    });
    const [first, second] = text.split('; ');
    assert.equal(
      first,
      'add element inet thymus limited_4 { 10.0.0.1 limit rate over 1 bytes/second timeout 20ms comment "a b" }',
    );
    assert.equal(second, `${ADD} timeout 10ms comment "a" }`);
  });

  it('forgets what is over, and goes back when a change fails', () => {
    const owners = new NftOwners();
    changed(owners, 0, (change) => change.add(element!, 'a', 5000));
    owners.expire(4999);
    assert.deepEqual(owners.ids(element!, 4999), ['a']);
    for (const make of [
      (change: NftChange) => change.remove(element!, 'a'),
      (change: NftChange) => change.add(element!, 'b', 9000),
      (change: NftChange) => change.add(limited!, 'b', 9000),
    ]) {
      const change = owners.begin(4999);
      make(change);
      change.takeBack();
      assert.deepEqual(owners.ids(element!, 4999), ['a']);
      assert.deepEqual(owners.ids(limited!, 4999), []);
    }
    owners.expire(5000);
    assert.deepEqual(owners.ids(element!, 0), []);
  });
});

describe('NftScript', () => {
  it('holds as much as is written', () => {
    const script = new NftScript('\n');
    const texts = Array.from({ length: 5000 }, (_, i) => `command ${i}`);
    for (const text of texts) script.command(text);
    assert.equal(script.bytes.toString(), texts.join('\n'));
  });

  it('lets nothing but ASCII in, so that no sign becomes a line break', () => {
    // Its lower byte is a line break.
    assert.equal(new NftScript().command('a\u010ab').bytes.toString(), 'a?b');
  });
});
