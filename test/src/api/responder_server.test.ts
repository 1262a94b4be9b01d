import assert from 'node:assert/strict';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { ResponderServer } from '../../../src/api/responder_server.js';
import { Desk, settled } from '../response/support/desk.js';
import { NO_IMPACT, proposalOf } from '../response/support/proposals.js';

describe('ResponderServer', () => {
  let desk: Desk;
  let server: ResponderServer;
  let client: ResponderClient;

  beforeEach(async () => {
    desk = await Desk.open('recommend');
    const { responder, clock, files } = desk;
    server = await ResponderServer.listen({ path: files.socket, responder, clock });
    client = await ResponderClient.connect({ path: files.socket, role: 'cli' });
  });

  afterEach(async () => {
    client.close();
    server.close();
    await settled();
    desk.remove();
  });

  it('lists open actions first, and of each kind the last first', async () => {
    for (const id of ['1.1', '1.2', '1.3']) {
      desk.responder.propose(proposalOf(id));
      desk.clock.pass(1000);
    }
    desk.responder.vote('1.3', 'ann', 'reject');
    const { actions, leftOut } = await client.list(true);
    assert.deepEqual(
      actions.map(({ proposal, state }) => `${proposal.id} ${state}`),
      ['1.2 pending', '1.1 pending', '1.3 rejected'],
    );
    assert.equal(leftOut, 0);
  });

  it('lists what fits into a message, and says how many did not', async () => {
    const edges = Array.from({ length: 64 }, (_, i) => {
      return { from: '10.0.0.5', to: `10.0.1.${i}`, protocol: 'tcp', port: 443 } as const;
    });
    const measure = { kind: 'hold_pattern', host: '10.0.0.5', edges } as const;
    const chosen = { measure, impact: NO_IMPACT, expectedLoss: 0 };
    for (let i = 0; i < 450; i++) desk.responder.propose(proposalOf(`1.${i}`, { chosen }));
    const { actions, leftOut } = await client.list(true);
    assert.ok(actions.length > 200);
    assert.equal(actions.length + leftOut, 450);
    assert.ok(leftOut > 0);
  });
});
