import { seeded, Traffic } from './traffic.js';

/** An hour with a night in it: offices, a scan, guessing, a flood. */
export function mixedTraffic(): Traffic {
  const random = seeded(7);
  const traffic = new Traffic();
  const host = (): string => `10.0.0.${10 + Math.floor(random() * 40)}`;
  for (let i = 0; i < 3000; i++) {
    const at = (i < 1500 ? 0 : 40_000) + random() * 900;
    const to = random() < 0.5 ? host() : `203.0.113.${Math.floor(random() * 200)}`;
    const flow = { at, from: host(), to, port: [80, 443, 22, 445][Math.floor(random() * 4)]! };
    if (random() < 0.1) traffic.unanswered(flow);
    else traffic.connect(flow);
  }
  for (let i = 1; i < 60; i++) {
    traffic.refused({ at: 300 + i * 0.3, from: '10.0.0.7', to: `10.0.1.${i}`, port: 445 });
    traffic.unanswered({ at: 400 + i * 0.7, from: '203.0.113.250', to: `10.0.0.${i}`, port: 3389 });
  }
  for (let i = 1; i <= 50; i++) {
    const counts = { syn_in: 300, syn_ack_out: 300, ack_in: 0, rst_out: 0, packets_in: 300 };
    const top = { address: '10.0.0.20', ...counts, sources: 280 };
    traffic.window(40_500 + i / 10, { ...counts, new_sources: 280 }, [top]);
  }
  return traffic;
}
