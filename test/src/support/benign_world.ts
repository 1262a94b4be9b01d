import { seeded, Traffic } from './traffic.js';

/**
 * Hours of a network in which nothing is wrong and much is uneven: people that come and go, cameras,
 * a server for backups, a monitor that pings, a client of a service that is down, a device that joins.
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
          traffic.connect(flow, { ...size, lasts: Math.min(50, waits(5)) });
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
  for (let at = 5; at < seconds; at += 30) {
    traffic.refused({ at, from: '10.0.0.5', to: '10.0.0.2', port: 8080 });
  }
  return traffic;
}
