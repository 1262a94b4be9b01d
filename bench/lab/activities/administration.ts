import { ADMIN, DEVICES, FILES, OFFICE, officeName, RETIRED } from '../hosts.js';
import type { Lab } from '../lab.js';
import { ROLLOUT_FILE } from '../servers/index.js';
import { pause } from '../shell.js';

/** Everyone fetches the same software within seconds of each other. */
export async function rollOut(lab: Lab): Promise<void> {
  const url = `http://${officeName(FILES)}/${ROLLOUT_FILE}`;
  await Promise.all(
    DEVICES.map(async ({ name }) => {
      await pause(lab.random(`roll-out at ${name}`).between(0, 8));
      await lab.must(name, ['curl', '-sf', '-A', 'rollout/7', '-o', '/dev/null', url]);
    }),
  );
}

/** Asks every device of the inventory whether it is there; one of them is not any more. */
export async function takeInventory(lab: Lab): Promise<void> {
  const random = lab.random('inventory');
  for (const { address } of [...OFFICE, RETIRED]) {
    await lab.run(ADMIN.name, ['ping', '-q', '-c', '2', '-i', '0.2', '-W', '1', address]);
    await pause(random.between(0.05, 0.3));
  }
}

/** The administrator's own scanner: which services does each device of the inventory offer? */
export async function scanInventory(lab: Lab): Promise<void> {
  const addresses = [...OFFICE, RETIRED].map(({ address }) => address);
  const ports = '22,80,443,445,3389,8080,9100';
  const pace = ['--max-rate', '30', '--max-retries', '1'];
  await lab.must(ADMIN.name, ['nmap', '-n', '-sS', '-p', ports, ...pace, ...addresses]);
}
