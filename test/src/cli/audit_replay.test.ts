import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { ResponderRun } from '../../../src/cli/responder_run.js';
import { NO_RESPONSE_STATE } from '../../../src/domain/decision.js';
import { LANES } from '../../../src/domain/lanes.js';
import { TrafficHistory } from '../../../src/models/traffic_history.js';
import { decide } from '../../../src/policy/decide.js';
import { Policy } from '../../../src/policy/policy.js';
import { responseFiles } from '../../../src/store/response_files.js';
import { again, DAY_S, entityOf, incidentOf, learn, POLICY } from '../policy/worlds.js';
import { isInternal } from '../support/traffic.js';
import { thymus } from '../support/thymus.js';

describe('thymus audit replay', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-audit-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('decides again what was decided, of what the log holds alone', async () => {
    const history = new TrafficHistory();
    const talk = { at: 1, from: '10.0.0.5', to: '10.0.0.20', port: 445 };
    learn(history, again(talk, 600, DAY_S + 600));
    const files = responseFiles(folder);
    let isReady!: () => void;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    const run = new ResponderRun({
      files,
      actuators: [],
      mode: 'observe',
      idleMs: null,
      onReady: isReady,
    });
    const running = run.run();
    await ready;
    const client = await ResponderClient.connect({ path: files.socket, role: 'engine' });
    let proposals = 0;
    for (const [i, { id: lane }] of LANES.entries()) {
      const incident = {
        ...incidentOf([{ lane, entity: entityOf('10.0.0.5'), flows: [{}] }], DAY_S),
        id: String(i),
      };
      const inputs = new Policy(POLICY).inputsOf(incident, {
        history,
        state: NO_RESPONSE_STATE,
        earlierProposals: 0,
        nowUs: incident.lastSeenUs,
        isInternal,
      });
      const proposal = decide(inputs);
      if (proposal === null) continue;
      proposals++;
      await client.propose(proposal, JSON.stringify(inputs));
    }
    client.close();
    run.stop();
    await running;
    const { code, out } = await thymus(['audit', 'replay', '--json', '--state', folder]);
    assert.ok(proposals > 5);
    assert.deepEqual(JSON.parse(out), { same: proposals, others: [], fault: null });
    assert.equal(code, 0);
  });
});
