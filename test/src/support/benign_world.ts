import { seeded, Traffic } from './traffic.js';

/** Sizes of the first segments of a log-in over SSH. */
const LOGIN = [41, -41, 1560, -1088, 1208, -1564, 16, 44, -44, 60, -76, 148];

/**
 * Hours of a network in which nothing is wrong and much is uneven: people that come and go, cameras,
 * a server for backups, a monitor that pings, a client of a service that is down, a device that joins,
 * a job that logs in, channels that stay open, bursts of requests at a server.
 */
export function benignWorld(seed: number, hours: number): Traffic {
  const random = seeded(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const waits = (mean: number): number => -mean * Math.log(1 - random());
  const seconds = hours * 3600;
  const traffic = new Traffic();

  for (let host = 0; host < 14; host++) {
    const from = `10.0.0.${10 + host}`;
    const busyness = Math.exp(0.7 * normal());
    // The last of them joins in the middle.
    for (let at = host === 13 ? seconds / 2 : waits(600); at < seconds; at += waits(1500)) {
      const sites = Array.from({ length: 4 }, () => `203.0.${Math.floor(80 * random() ** 2)}.1`);
      for (const until = at + waits(900); at < until && at < seconds; at += waits(12 / busyness)) {
        const to = sites[Math.floor(random() * sites.length)]!;
        const flow = { at, from, to, port: random() < 0.9 ? 443 : 80 };
        if (random() < 0.04) traffic.unanswered(flow);
        else {
          const size = { up: Math.exp(7 + normal()), down: Math.exp(9 + 1.5 * normal()) };
          const fields = { clientFingerprint: 1 + (host % 4), nameHash: Number(to.split('.')[2]) };
          traffic.connect(flow, { ...size, lasts: Math.min(50, waits(5)), fields });
        }
      }
    }
  }
  for (let camera = 0; camera < 4; camera++) {
    const from = `10.0.0.${50 + camera}`;
    for (let at = camera; at < seconds; at += 20 + random()) {
      traffic.connect({ at, from, to: '10.0.0.2', port: 554 }, { up: 90_000 + 9000 * normal() });
    }
    for (let at = camera; at < seconds; at += 64) {
      traffic.ask({ at, from, to: '203.0.113.123', port: 123 });
    }
  }
  for (let at = 900; at < seconds; at += 3600) {
    const flow = { at, from: '10.0.0.3', to: '198.51.100.7', port: 443 };
    traffic.connect(flow, { up: Math.exp(20 + 0.5 * normal()), lasts: 300 });
  }
  for (let target = 0; target < 8; target++) {
    const minutes = Array.from({ length: hours * 60 }, () =>
      Array.from({ length: 6 }, () => [64, random() < 0.02 ? 0 : 64] as const),
    );
    traffic.pings({ at: 0.1 + target, from: '10.0.0.4', to: `10.0.0.${10 + target}` }, minutes);
  }
  for (let at = 7; at < seconds; at += 20) {
    // One log-in in a hundred is refused.
    const size = random() < 0.01 ? { up: 3200, down: 3000 } : { up: 4200, down: 4800 };
    const flow = { at, from: '10.0.0.6', to: '10.0.0.2', port: 22 };
    traffic.connect(flow, { ...size, lasts: 2, segments: LOGIN });
  }
  for (let channel = 0; channel < 12 * hours; channel++) {
    const from = `10.0.0.${10 + (channel % 13)}`;
    const to = `198.51.100.${20 + (channel % 7)}`;
    const flow = { at: random() * (seconds - 2400), from, to, port: 443, fromPort: 3000 + channel };
    const segmentBytes = [Math.round(60 + 400 * random()), -Math.round(60 + 1200 * random())];
    const perMinute = { up: Math.exp(6 + 1.5 * normal()), down: Math.exp(7 + 1.5 * normal()) };
    traffic.stream(flow, 40, { ...perMinute, segmentBytes });
  }
  for (let at = 3; at < seconds; at += 10) {
    // Ten windows' worth of requests in one, most of them completed at once.
    const syn_in = Math.floor(waits(6));
    const completed = syn_in - (random() < 0.2 ? Math.min(syn_in, 2) : 0);
    const udp_packets_in = Math.floor(waits(60));
    const sources = 1 + Math.floor(waits(8));
    const packets_in = syn_in + completed + udp_packets_in;
    const counts = { syn_in, syn_ack_out: syn_in, ack_in: completed, packets_in, udp_packets_in };
    traffic.window(at, { ...counts, new_sources: sources }, [
      { address: '10.0.0.2', ...counts, sources },
    ]);
  }
  for (let at = 5; at < seconds; at += 30) {
    traffic.refused({ at, from: '10.0.0.5', to: '10.0.0.2', port: 8080 });
  }
  return traffic;
}
