import assert from 'node:assert/strict';
import type { Incident } from '../../../src/domain/incident.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

/** Sizes of the first segments of one refused log-in, and of one that works. */
const REFUSED = [41, -41, 1560, -1088, 1208, -1564, 16, 44, -44, 60, -76, 148];
const refusedLogin = { up: 3200, down: 3000, lasts: 2, segments: REFUSED };
const workingLogin = { up: 4200, down: 4800, lasts: 2, segments: REFUSED };

function only(incidents: readonly Incident[]): Incident {
  assert.equal(incidents.length, 1, incidents.map((i) => i.summary).join('\n'));
  return incidents[0]!;
}

describe('address scan', () => {
  const sweep = (from: string): Traffic => {
    const traffic = new Traffic();
    for (let i = 1; i <= 40; i++) {
      const flow = { at: i * 0.1, from, to: `10.0.1.${i}`, port: 445 };
      if (i > 38) traffic.connect(flow);
      else traffic.unanswered(flow);
    }
    return traffic;
  };

  it('is told of the scanner, with what it did', () => {
    const incident = only(judge(sweep('10.0.0.7')).incidents);
    assert.equal(incident.entity.address, '10.0.0.7');
    assert.equal(incident.detectors[0], 'scan_horizontal');
    assert.equal(incident.stage, 'recon');
    assert.match(
      incident.summary,
      /^10\.0\.0\.7 tried 40 addresses on port 445 in 3\.9 s; 38 did not answer$/,
    );
    assert.ok(incident.confidence > 0.99);
    assert.ok(incident.attack.includes('T1046'));
  });

  it('is told at the 16th contact: 15 bets after the one that is no search yet', () => {
    const traffic = new Traffic();
    for (let i = 1; i <= 40; i++) {
      traffic.refused({ at: i * 0.01, from: '10.0.0.7', to: `10.0.1.${i}`, port: 445 });
    }
    const [opened] = judge(traffic).alarms;
    assert.equal(opened!.evidenceCount, 15);
    assert.ok(Math.abs(opened!.timeUs - START_US - 161_000) < 2);
  });

  it('is told at the 8th contact of a searcher that does not wait for answers', () => {
    const traffic = new Traffic();
    for (let i = 1; i <= 10; i++) {
      traffic.unanswered({ at: i * 1e-5, from: '10.0.0.7', to: `10.0.1.${i}`, port: 23 });
    }
    const { alarms, incidents } = judge(traffic);
    assert.equal(alarms[0]!.evidenceCount, 7);
    assert.match(only(incidents).evidence[1]!.features[1]!.feature, /within 1 ms/);
  });

  it('is not told of a host that is declared a scanner, and of others all the same', () => {
    const scanners = ['10.0.0.7', 'fd00::/64'];
    assert.deepEqual(judge(sweep('10.0.0.7'), { scanners }).incidents, []);
    assert.equal(only(judge(sweep('10.0.0.8'), { scanners }).incidents).entity.address, '10.0.0.8');
  });

  it('is told once of an inventory that is taken again', () => {
    const { incidents, learned } = judge(sweep('10.0.0.7'));
    assert.equal(incidents.length, 1);
    assert.deepEqual(judge(sweep('10.0.0.7'), { model: learned }).incidents, []);
  });

  it('is told of an external scanner, too', () => {
    const incident = only(judge(sweep('203.0.113.9')).incidents);
    assert.equal(incident.entity.kind, 'external');
  });

  it('has evidence whose shares sum to it, with flows that can be found again', () => {
    for (const piece of only(judge(sweep('10.0.0.7')).incidents).evidence) {
      const sum = piece.features.reduce((total, feature) => total + feature.lnEShare, 0);
      assert.ok(Math.abs(sum - piece.lnE) < 1e-9);
      assert.match(piece.flows[0]!.communityId, /^1:[A-Za-z0-9+/]{27}=$/);
      assert.ok(piece.t0Us <= piece.t1Us);
    }
  });
});

describe('address scan by ICMP', () => {
  const sweep = (type: number, isAnswered: (i: number) => boolean, hosts = 8): Traffic => {
    const traffic = new Traffic();
    for (let i = 0; i < hosts; i++) {
      const flow = { at: 20 * i, from: '10.0.0.7', to: `10.0.1.${i}` };
      traffic.inquire(flow, type, isAnswered(i));
    }
    return traffic;
  };

  it('is told after a few requests for clocks, networks or masks', () => {
    for (const type of [13, 15, 17]) {
      const incident = only(judge(sweep(type, (i) => i % 2 === 0)).incidents);
      assert.equal(incident.detectors[0], 'scan_horizontal');
      assert.match(incident.summary, new RegExp(`addresses on ICMP type ${type} in`));
      assert.equal(judge(sweep(type, () => false, 4)).incidents.length, 1);
    }
  });

  it('is not told of hosts that answer, nor of other messages', () => {
    assert.deepEqual(judge(sweep(13, () => true, 60)).incidents, []);
    for (const type of [0, 3, 5, 9, 10, 14]) {
      assert.deepEqual(judge(sweep(type, () => false, 60)).incidents, []);
    }
  });
});

describe('port scan', () => {
  it('is told of the scanner and names the target', () => {
    const traffic = new Traffic();
    for (let port = 1; port <= 60; port++) {
      const flow = { at: port * 0.02, from: '10.0.0.7', to: '10.0.0.20', port };
      if (port === 22) traffic.connect(flow);
      else traffic.refused(flow);
    }
    const incident = only(judge(traffic).incidents);
    assert.equal(incident.detectors[0], 'scan_vertical');
    assert.deepEqual(incident.others, ['10.0.0.20']);
    assert.match(incident.summary, /tried 60 ports of 10\.0\.0\.20/);
  });

  it('is told after five ports by probes that no TCP sends', () => {
    const FIN = 0x01;
    const XMAS = 0x29;
    const at = (i: number) => ({ at: 20 * i, from: '10.0.0.7', to: '10.0.0.20', port: 3389 + i });
    const probes = [FIN, 0, XMAS, FIN, 0];
    const scan = new Traffic();
    probes.forEach((flags, i) => scan.probe(at(i), flags));
    assert.equal(only(judge(scan).incidents).detectors[0], 'scan_vertical');
    const refused = new Traffic();
    probes.forEach((_, i) => refused.refused(at(i)));
    assert.deepEqual(judge(refused).incidents, []);
  });
});

describe('password guessing', () => {
  it('is told of the guesser', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 20; i++) {
      traffic.connect({ at: i * 3, from: '10.0.0.7', to: '10.0.0.20', port: 22 }, refusedLogin);
    }
    const incident = only(judge(traffic).incidents);
    assert.equal(incident.detectors[0], 'brute_force');
    assert.match(
      incident.summary,
      /guessed passwords at 10\.0\.0\.20 port 22 \(SSH\): 20 connections/,
    );
    assert.equal(incident.stage, 'cred');
  });

  it('is not told of jobs that log in and work, however often', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 200; i++) {
      traffic.connect({ at: i * 2, from: '10.0.0.7', to: '10.0.0.20', port: 22 }, workingLogin);
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  it('is not told of a job that fails once a minute', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 120; i++) {
      traffic.connect({ at: i * 60, from: '10.0.0.7', to: '10.0.0.20', port: 22 }, refusedLogin);
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });
});

describe('SYN flood', () => {
  const flood = (
    counts: { syn_in: number; syn_ack_out: number; ack_in: number },
    seconds: number,
  ): Traffic => {
    const traffic = new Traffic();
    for (let i = 1; i <= seconds * 10; i++) {
      const top = {
        address: '10.0.0.20',
        rst_out: 0,
        packets_in: counts.syn_in + counts.ack_in,
        sources: counts.syn_in,
      };
      const all = { ...counts, ...top };
      const { address: _, sources: __, ...segment } = all;
      traffic.window(i / 10, { ...segment, new_sources: all.sources }, [all]);
    }
    return traffic;
  };

  it('is told within two seconds, also when the server answers every request', () => {
    for (const answered of [0, 200]) {
      const { alarms, incidents } = judge(
        flood({ syn_in: 200, syn_ack_out: answered, ack_in: 0 }, 4),
      );
      const incident = only(incidents);
      assert.equal(incident.entity.address, '10.0.0.20');
      assert.equal(incident.detectors[0], 'syn_flood');
      assert.equal(incident.stage, 'impact');
      assert.ok(alarms[0]!.timeUs - START_US <= 2e6, `${alarms[0]!.timeUs - START_US}`);
      assert.equal(incident.firstSeenUs, START_US);
    }
  });

  it('is told when it ends with the capture', () => {
    const { incidents } = judge(flood({ syn_in: 300, syn_ack_out: 0, ack_in: 0 }, 0.8));
    assert.equal(only(incidents).detectors[0], 'syn_flood');
  });

  describe('far below the default', () => {
    type Counts = {
      readonly syn_in: number;
      readonly syn_ack_out: number;
      readonly ack_in: number;
    };
    const minutes = (traffic: Traffic, from: number, of: (i: number) => Counts): void => {
      for (let i = 1; i <= 1200; i++) {
        const counts = of(i);
        const all = { ...counts, rst_out: 0, packets_in: counts.syn_in + counts.ack_in };
        const top = { address: '10.0.0.20', ...all, sources: counts.syn_in };
        traffic.window(from + i / 10, { ...all, new_sources: counts.syn_in }, [top]);
      }
    };
    /** Two minutes in which nearly all requests are completed, and two others an hour later. */
    const after = (then: Counts | null): Traffic => {
      const traffic = new Traffic();
      const usual = (i: number): Counts => {
        return { syn_in: 4, syn_ack_out: 4, ack_in: i % 20 === 0 ? 3 : 4 };
      };
      minutes(traffic, 0, usual);
      minutes(traffic, 3600, then === null ? usual : () => then);
      return traffic;
    };

    it('is told within ten seconds when its victim is known', () => {
      const { alarms, incidents } = judge(after({ syn_in: 10, syn_ack_out: 10, ack_in: 0 }));
      assert.equal(only(incidents).detectors[0], 'syn_flood');
      assert.ok(alarms[0]!.timeUs - START_US <= 3610e6, `${alarms[0]!.timeUs - START_US}`);
    });

    it('is not told of a service that is down, whose clients ask again', () => {
      const { incidents } = judge(after({ syn_in: 8, syn_ack_out: 0, ack_in: 0 }));
      assert.deepEqual(incidents, []);
    });

    it('is not told of handshakes that get lost now and then', () => {
      assert.deepEqual(judge(after(null)).incidents, []);
    });
  });

  it('is not told of a flash crowd, whose round trips are half a second long', () => {
    const traffic = new Traffic();
    for (let i = 1; i <= 100; i++) {
      const ack_in = i <= 5 ? 0 : 500;
      const counts = {
        syn_in: 250,
        syn_ack_out: 250,
        ack_in,
        rst_out: 0,
        packets_in: 250 + ack_in,
      };
      const top = { address: '10.0.0.20', ...counts, sources: 250 };
      traffic.window(i / 10, { ...counts, new_sources: 250 }, [top]);
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  it('is told when it is spread over all addresses of a segment', () => {
    const traffic = new Traffic();
    for (let i = 1; i <= 60; i++) {
      const counts = { syn_in: 600, syn_ack_out: 0, ack_in: 0, rst_out: 0, packets_in: 600 };
      traffic.window(i / 10, { ...counts, new_sources: 550 }, []);
    }
    const incident = only(judge(traffic).incidents);
    assert.equal(incident.entity.kind, 'segment');
    assert.equal(incident.entity.address, '10.0.0.0/8');
  });
});

describe('volumetric flood', () => {
  const windows = (counts: { udp: number; tcp?: number; sources: number }): Traffic => {
    const traffic = new Traffic();
    const packets_in = counts.udp + (counts.tcp ?? 0);
    for (let i = 1; i <= 50; i++) {
      const top = {
        address: '10.0.0.20',
        packets_in,
        udp_packets_in: counts.udp,
        sources: counts.sources,
      };
      traffic.window(
        i / 10,
        { packets_in, udp_packets_in: counts.udp, new_sources: counts.sources },
        [top],
      );
    }
    return traffic;
  };

  it('is told by its many sources', () => {
    const incident = only(judge(windows({ udp: 900, sources: 700 })).incidents);
    assert.equal(incident.detectors[0], 'volumetric_flood');
    assert.match(incident.summary, /UDP and ICMP packets/);
  });

  it('is told after one window of more sources than the counter of a destination can tell', () => {
    const top = { address: '10.0.0.20', packets_in: 4300, udp_packets_in: 4100, sources: 1597 };
    const segment = { packets_in: 4350, udp_packets_in: 4120, new_sources: 4250 };
    const { incidents } = judge(new Traffic().window(0.1, segment, [top]));
    assert.match(only(incidents).summary, /from up to 4,005 sources/);
  });

  it('is told by its rate from one source', () => {
    assert.equal(judge(windows({ udp: 40_000, sources: 1 })).incidents.length, 1);
  });

  it('is not told of a TCP download, nor of one over QUIC', () => {
    assert.deepEqual(judge(windows({ udp: 3, tcp: 9000, sources: 2 })).incidents, []);
    assert.deepEqual(judge(windows({ udp: 2500, sources: 1 })).incidents, []);
  });
});

describe('benign traffic that looks odd', () => {
  const quiet = (name: string, make: () => Traffic): void => {
    it(`makes no incident: ${name}`, () => {
      const { incidents } = judge(make());
      assert.deepEqual(
        incidents.map((incident) => incident.summary),
        [],
      );
    });
  };
  const clients = Array.from({ length: 30 }, (_, i) => `10.0.0.${i + 10}`);

  quiet('periodic pollers', () => {
    const traffic = new Traffic();
    for (let at = 0; at < 600; at += 5) {
      traffic.connect({ at, from: '10.0.0.7', to: '10.0.0.9', port: 80 });
      traffic.ask({ at, from: '10.0.0.7', to: '10.0.0.1', port: 123 });
    }
    return traffic;
  });

  quiet('a backup', () =>
    new Traffic().connect(
      { at: 1, from: '10.0.0.7', to: '10.0.0.9', port: 873 },
      { up: 5e10, lasts: 300 },
    ),
  );

  quiet('a roll-out to all devices', () => {
    const traffic = new Traffic();
    clients.forEach((from, i) => traffic.connect({ at: i, from, to: '203.0.113.5', port: 443 }));
    return traffic;
  });

  quiet('an inventory sweep of live hosts', () => {
    const traffic = new Traffic();
    clients.forEach((to, i) => {
      for (const port of [22, 80, 161])
        traffic.connect({ at: i + port / 1000, from: '10.0.0.2', to, port });
    });
    return traffic;
  });

  quiet('a new device joining', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 200; i++) {
      traffic.connect({
        at: i * 0.5,
        from: clients[i % 20]!,
        to: `203.0.113.${i % 40}`,
        port: 443,
      });
    }
    for (let i = 0; i < 40; i++) {
      traffic.connect({ at: 120 + i * 0.2, from: '10.0.0.200', to: `198.51.100.${i}`, port: 443 });
    }
    return traffic;
  });

  quiet('a failing service with many clients that retry', () => {
    const traffic = new Traffic();
    for (const [i, from] of clients.entries()) {
      for (let n = 0; n < 50; n++) {
        traffic.refused({
          at: i * 0.1 + n,
          from,
          to: '10.0.0.5',
          port: 8080,
          fromPort: 41_000 + n,
        });
      }
    }
    return traffic;
  });

  quiet('a browser with some dead links among many live ones', () => {
    const random = seeded(5);
    const traffic = new Traffic();
    for (let i = 0; i < 400; i++) {
      const flow = {
        at: i * 0.3,
        from: '10.0.0.7',
        to: `203.0.113.${i % 250}`,
        port: i % 9 ? 443 : 80,
      };
      if (random() < 0.15) traffic.unanswered(flow);
      else traffic.connect(flow);
    }
    return traffic;
  });

  quiet('clients that race the addresses of names, all of which are dead', () => {
    const traffic = new Traffic();
    clients.forEach((from, i) => {
      for (let n = 0; n < 6; n++) {
        traffic.unanswered({ at: i * 20 + n * 1e-4, from, to: `203.0.113.${n}`, port: 443 });
      }
    });
    return traffic;
  });

  quiet('a peer-to-peer program, half of whose peers are gone', () => {
    const random = seeded(6);
    const traffic = new Traffic();
    for (let i = 0; i < 500; i++) {
      const port = 1024 + Math.floor(random() * 60_000);
      const flow = { at: i * 0.2, from: '10.0.0.7', to: `198.51.${i % 100}.${i % 251}`, port };
      if (random() < 0.5) traffic.unanswered(flow);
      else traffic.connect(flow);
    }
    return traffic;
  });

  quiet('an outage that fails everybody at once', () => {
    const traffic = new Traffic();
    clients.forEach((from, i) => {
      for (let n = 0; n < 10; n++) {
        traffic.unanswered({
          at: i * 0.05 + n * 3,
          from,
          to: `203.0.113.${(n * 7 + i) % 250}`,
          port: 443,
        });
      }
    });
    return traffic;
  });
});
