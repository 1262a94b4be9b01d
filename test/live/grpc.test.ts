import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';

import { thymus as messages } from '../../src/api/gen/thymus_v1.js';
import { ResponderClient } from '../../src/api/responder_client.js';
import { descriptorFile } from '../../src/api/grpc/descriptors.js';
import { lockOwner } from '../../src/store/process_lock.js';
import { responseFiles } from '../../src/store/response_files.js';
import { readVerdicts } from '../../src/api/verdict_file.js';
import {
  addressScan,
  conversation,
  inOrder,
  MORNING_US,
  writePcap,
} from '../src/support/captures.js';
import { proposalOf } from '../src/response/support/proposals.js';
import { GrpcClient, Subscriber } from '../src/support/grpc_client.js';
import { outcomeOf, present, startThymus, thymus } from '../src/support/thymus.js';
import { Namespace, whyNoSender } from './support/namespace.js';
import { orSkip } from './support/needs.js';

const SENDER = fileURLToPath(new URL('support/send_frames.js', import.meta.url));
const { INCIDENT_CHANGE_OPENED, INCIDENT_CHANGE_GREW, INCIDENT_CHANGE_FINAL } =
  messages.v1.IncidentChange;

describe('thymus watch --grpc', function () {
  this.timeout(60_000);
  let namespace: Namespace;
  let folder: string | null = null;
  const at = (name: string): string => join(folder!, name);

  before(function () {
    namespace = orSkip(this, whyNoSender() ?? Namespace.make());
    folder = mkdtempSync(join(tmpdir(), 'thymus-grpc-'));
    const ends = { from: '10.0.0.9', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };
    const talk = conversation(ends, MORNING_US);
    writePcap(at('scan.pcap'), inOrder(talk, addressScan('10.0.0.9', 60, MORNING_US + 1e6)));
  });
  after(() => {
    if (folder === null) return;
    namespace.remove();
    rmSync(folder, { recursive: true });
  });

  const clientOf = (socket: string): GrpcClient =>
    new GrpcClient(
      `unix:${socket}`,
      credentials.createInsecure(),
      descriptorFile('thymus_v1'),
      messages.v1,
    );

  /** Watches a scan, with a subscriber that is there from its begin to its end. */
  async function watchScan(request: object): Promise<messages.v1.Envelope[]> {
    const socket = at('state/grpc/thymus.sock');
    const verdicts = at('verdicts.sock');
    const child = startThymus(
      ['watch', 'far', '--state', at('state'), '--grpc', 'unix', '--verdicts', `unix:${verdicts}`],
      { wrapper: namespace.wrapper },
    );
    const outcome = outcomeOf(child);
    await present(socket);
    await present(verdicts);
    const client = clientOf(socket);
    const reader = buffer(connect(verdicts));
    const subscriber = new Subscriber(client, request);
    await subscriber.until(({ run }) => !!run);
    await namespace.heard('far');
    const nBefore = subscriber.envelopes.length;
    namespace.run(process.execPath, SENDER, 'near', at('scan.pcap'));
    const isNew = ({ verdict }: messages.v1.Envelope): boolean =>
      verdict?.change === INCIDENT_CHANGE_OPENED;
    while (!subscriber.envelopes.slice(nBefore).some(isNew)) {
      await new Promise((go) => subscriber.call.once('data', go));
    }
    const { verdict } = subscriber.envelopes.findLast(isNew)!;
    const { incidents } = await client.call<messages.v1.ListIncidentsResponse>('ListIncidents');
    assert.deepEqual(
      incidents.map(({ entity, runId }) => [entity!.address, runId]),
      [['10.0.0.9', verdict!.runId]],
    );
    const status = await client.call<messages.v1.Status>('GetStatus');
    assert.equal(status.incidents, 1);
    assert.ok(status.packets > 0);
    assert.equal(status.stream!.isKept, true);
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    assert.equal(code, 0, err);
    await subscriber.ended;
    client.close();
    const read = readVerdicts(await reader);
    assert.equal(read.at(-1)!.runEnd!.verdicts, 1);
    return subscriber.envelopes;
  }

  it('tells of an incident at once, and after a restart of all since', async () => {
    const first = await watchScan({});
    const last = first.at(-1)!;
    assert.ok(first.some(({ verdict }) => verdict?.change === INCIDENT_CHANGE_FINAL));
    assert.ok(last.runEnd);
    assert.equal(statSync(at('state/grpc')).mode & 0o777, 0o700);
    const opened = first.find(({ verdict }) => verdict?.change === INCIDENT_CHANGE_OPENED)!;
    const second = await watchScan({ after: opened.cursor });
    const steps = second.filter(({ verdict }) => verdict?.change !== INCIDENT_CHANGE_GREW);
    const kinds = steps.map(({ run, verdict, runEnd, gap }) =>
      run ? 'run' : runEnd ? 'end' : gap ? 'gap' : verdict!.change,
    );
    // First where the stream stands; then the rest of the old run, and the new run from its begin.
    assert.deepEqual(kinds, [
      ...['run', INCIDENT_CHANGE_FINAL, 'end'],
      ...['run', INCIDENT_CHANGE_OPENED, INCIDENT_CHANGE_FINAL, 'end'],
    ]);
  });

  it('lets a person decide about what the responder was asked', async () => {
    const state = at('answered');
    const socket = join(state, 'grpc/thymus.sock');
    const child = startThymus(
      ['watch', 'far', '--state', state, '--grpc', 'unix', '--respond', 'recommend'],
      { wrapper: namespace.wrapper },
    );
    const outcome = outcomeOf(child);
    await present(socket);
    const client = clientOf(socket);
    const subscriber = new Subscriber(client, {});
    const { socket: path, lock } = responseFiles(state);
    await present(path);
    const engine = await ResponderClient.connect({ path, role: 'cli' });
    try {
      const attended = { unattended: false, approvalsNeeded: 1 };
      await engine.propose(proposalOf('1.1', attended), 'null');
      const { action } = await subscriber.until((one) => one.action?.state === 'pending');
      const said = await client.call<messages.v1.ActionAnswer>('Reject', {
        id: action!.id,
        by: 'Ada',
      });
      assert.equal(said.actionId, action!.id);
      await subscriber.until((one) => one.action?.state === 'rejected');
    } finally {
      child.kill('SIGTERM');
      assert.equal((await outcome).code, 0);
      client.close();
      engine.close();
      const responder = lockOwner(lock);
      if (responder !== null) process.kill(responder.pid);
    }
  });

  it('refuses an open port, and a socket for a replay', async () => {
    const open = await thymus(['watch', 'lo', '--no-store', '--grpc', '127.0.0.1:0']);
    assert.equal(open.code, 2);
    assert.match(open.err, /open to all who reach it: give --grpc-cert/);
    const replay = await thymus(['replay', '--verdicts', 'unix:/tmp/x', at('scan.pcap')]);
    assert.equal(replay.code, 2);
    assert.match(replay.err, /is for watch/);
  });
});
