// Stands in for an engine: proposes as fast as it is answered, and starts a responder where none is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResponderClient } from '../../../../src/api/responder_client.js';
import { ResponderLink } from '../../../../src/cli/responder_link.js';
import { responseFiles } from '../../../../src/store/response_files.js';
import { blockOf, NO_IMPACT, proposalOf } from './proposals.js';

const DOUBLE = fileURLToPath(new URL('respond_double.js', import.meta.url));
const EVERY_MS = 20;
const MOST_OPEN = 40;

const [folder, run] = process.argv.slice(2) as [string, string];
const note = (file: string, text: string): void =>
  appendFileSync(join(folder, file), `${text}\n`, { flush: true });

process.send?.('up');
const { socket } = responseFiles(folder);
const link = new ResponderLink({
  path: socket,
  mode: 'auto',
  homeNet: ['10.0.0.0/8'],
  start: async () => {
    const child = spawn(process.execPath, [DOUBLE, folder], { stdio: 'ignore', detached: true });
    child.unref();
    await once(child, 'exit');
  },
  warn: () => undefined,
});

let client: ResponderClient | null = null;
let nOpen = 0;
for (let i = 1; ; i++) {
  client ??= await ResponderClient.connect({ path: socket, role: 'cli' }).catch(() => null);
  if (client !== null && nOpen < MOST_OPEN) {
    const chosen = { measure: blockOf(`203.0.113.${i % 250}`), impact: NO_IMPACT, expectedLoss: 0 };
    const ttlSeconds = 0.3 + (i % 7) / 4;
    nOpen++;
    client
      .propose(proposalOf(`${run}.${i}`, { chosen, ttlSeconds, decidedUs: i }), '{}')
      .then(({ actionId }) => note('acknowledged', actionId))
      .catch(() => (client = null))
      .finally(() => nOpen--);
    if (i % 5 === 0)
      link.renew({ proposal: `${run}.${i - 2}`, incident: '1', ttlSeconds: 1, evidenceUs: i });
  }
  link.onTick();
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
