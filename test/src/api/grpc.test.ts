import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptors from 'protobufjs/ext/descriptor.js';

import { grpc as health } from '../../../src/api/gen/grpc_health_v1.js';
import { grpc as reflection } from '../../../src/api/gen/grpc_reflection_v1.js';
import { thymus } from '../../../src/api/gen/thymus_v1.js';
import { ActionFeed } from '../../../src/api/action_feed.js';
import { descriptorFile } from '../../../src/api/grpc/descriptors.js';
import { GrpcServer, type GrpcPlace } from '../../../src/api/grpc/server.js';
import type { TlsFiles } from '../../../src/api/grpc/tls.js';
import { CURSOR_TRAILER, ThymusService } from '../../../src/api/grpc/thymus_service.js';
import type { StreamHub } from '../../../src/api/stream_hub.js';
import { VerdictStream } from '../../../src/api/verdict_stream.js';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { ResponderRun } from '../../../src/cli/responder_run.js';
import type { Proposal } from '../../../src/domain/action.js';
import { responseFiles } from '../../../src/store/response_files.js';
import { RunArchive } from '../../../src/store/run_archive.js';
import { RunStore } from '../../../src/store/run_store.js';
import { Authority, type Identity } from '../support/certificates.js';
import { GrpcClient, Subscriber } from '../support/grpc_client.js';
import { FileActuator } from '../response/support/file_actuator.js';
import { proposalOf } from '../response/support/proposals.js';
import { scanIncident, summaryOf } from './incidents.js';
import { hubOf, publish } from './stream_support.js';

const THYMUS = descriptorFile('thymus_v1');

describe('gRPC', function () {
  this.timeout(10_000);
  let directory: string;
  let hub: StreamHub;
  let server: GrpcServer | null = null;
  let actions: ActionFeed;
  const clients: GrpcClient[] = [];
  const socket = (): string => join(directory, 'thymus.sock');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'thymus-grpc-'));
    hub = hubOf(join(directory, 'stream'), { frames: 64 });
    actions = new ActionFeed({
      path: responseFiles(directory).socket,
      onAction: (action) => hub.publish((cursor) => hub.messages.action(action, cursor)),
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    actions.close();
    await server?.close();
    server = null;
    rmSync(directory, { recursive: true });
  });

  async function serve(place: GrpcPlace, runId: string | null = null): Promise<GrpcServer> {
    const service = new ThymusService({
      hub,
      actions,
      archive: new RunArchive(directory),
      stateDirectory: directory,
      runId,
      engineVersion: '0.1.0',
      status: () => null,
    });
    server = await GrpcServer.listen(place, service);
    return server;
  }

  function clientOf(
    place = `unix:${socket()}`,
    how = credentials.createInsecure(),
    file = THYMUS,
    codecs: object = thymus.v1,
  ): GrpcClient {
    const client = new GrpcClient(place, how, file, codecs);
    clients.push(client);
    return client;
  }

  /** A run with two incidents. */
  async function keptRun(): Promise<string> {
    const options = { stateDirectory: directory, engineVersion: '0.1.0', sources: ['tap0'] };
    const store = await RunStore.create({ ...options, keepFlows: false, keepDevices: false });
    store.onIncident(scanIncident(), 'opened');
    store.onIncident(scanIncident({ id: '2', summary: 'second' }), 'opened');
    return store.runId;
  }

  /** A responder with an engine that proposes. @returns what ends both */
  async function respond(proposals: readonly Proposal[]): Promise<() => Promise<void>> {
    const files = responseFiles(directory);
    const actuators = [new FileActuator(join(directory, 'enforced'))];
    let ready!: () => void;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    const run = new ResponderRun({ files, actuators, mode: 'auto', idleMs: null, onReady: ready });
    const ended = run.run();
    await Promise.race([isReady, ended]);
    const engine = await ResponderClient.connect({ path: files.socket, role: 'engine' });
    for (const proposal of proposals) await engine.propose(proposal, 'null');
    return async () => {
      engine.close();
      run.stop();
      await ended;
    };
  }

  const states = ({ envelopes }: Subscriber): string[] =>
    envelopes.flatMap(({ action }) => (action ? [`${action.id} ${action.state}`] : []));

  async function listed(client: GrpcClient): Promise<thymus.v1.ListActionsResponse> {
    for (;;) {
      try {
        return await client.call('ListActions', { withFinished: true });
      } catch {
        await sleep(20);
      }
    }
  }

  describe('over a Unix socket', () => {
    it('lists actions, lets people decide, and streams what becomes of them', async () => {
      await serve({ path: socket() });
      const client = clientOf();
      const subscriber = new Subscriber(client, {});
      await subscriber.until(({ run }) => !!run);
      await assert.rejects(client.call('Approve', { id: 'a', by: 'Ada' }), {
        code: status.FAILED_PRECONDITION,
        details: /thymus respond/,
      });
      const attended = { unattended: false, approvalsNeeded: 1 };
      const end = await respond(['1.1', '1.2'].map((id) => proposalOf(id, attended)));
      try {
        const { actions: list, desk } = await listed(client);
        assert.deepEqual(
          list.map(({ state }) => state),
          ['pending', 'pending'],
        );
        assert.equal(desk!.mode, 'auto');
        const [first, second] = list.map(({ id }) => id!) as [string, string];
        const nobody = { code: status.INVALID_ARGUMENT, details: /who asks/ };
        await assert.rejects(client.call('Approve', { id: first }), nobody);
        type Said = thymus.v1.ActionAnswer;
        const approved = await client.call<Said>('Approve', { id: first, by: 'Ada' });
        assert.equal(approved.actionId, first);
        await client.call('Reject', { id: second, by: 'Bob' });
        await subscriber.until(({ action }) => action?.state === 'active');
        await client.call('RollBack', { id: first, by: 'Ada', reason: 'It was the backup.' });
        await subscriber.until(({ action }) => action?.state === 'rolled_back');
        const said = new Set(states(subscriber));
        for (const state of [
          `${first} pending`,
          `${first} active`,
          `${first} rolled_back`,
          `${second} rejected`,
        ]) {
          assert.ok(said.has(state), `${state} is missing in ${[...said].join(', ')}`);
        }
        await assert.rejects(client.call('Approve', { id: 'none', by: 'Ada' }), {
          code: status.NOT_FOUND,
          details: /none/,
        });
      } finally {
        await end();
      }
    });

    it('tells what changed while the responder could not be reached', async () => {
      await serve({ path: socket() });
      const subscriber = new Subscriber(clientOf(), {});
      for (const id of ['1.1', '1.2']) {
        const end = await respond([proposalOf(id)]);
        await end();
      }
      const end = await respond([]);
      for (const id of ['1.1', '1.2']) {
        await subscriber.until(({ action }) => action?.proposal?.id === id);
      }
      await end();
      const said = states(subscriber);
      assert.equal(new Set(said).size, said.length, said.join(', '));
    });

    it('streams, and goes on after a reconnect without loss and without doubles', async () => {
      await serve({ path: socket() });
      const client = clientOf();
      let after = '';
      const got: string[] = [];
      for (let round = 0; round < 10; round++) {
        const subscriber = new Subscriber(client, after === '' ? { fromOldest: true } : { after });
        const last = String((round + 1) * 20);
        publish(hub, round * 20 + 1, round * 20 + 10);
        if (round === 0) await subscriber.until(({ run }) => !!run);
        publish(hub, round * 20 + 11, round * 20 + 20);
        // The last round takes all; the others leave after some, wherever that is.
        const wanted = round === 9 ? last : String(round * 20 + 7);
        const { cursor } = await subscriber.until(({ verdict }) => verdict?.summary === wanted);
        after = cursor;
        const taken = subscriber.summaries;
        got.push(...taken.slice(0, taken.indexOf(wanted) + 1));
        subscriber.call.cancel();
        await subscriber.ended;
      }
      assert.deepEqual(
        got,
        Array.from({ length: 200 }, (_, i) => String(i + 1)),
      );
    });

    it('ends a slow subscriber with the cursor to go on from', async () => {
      await serve({ path: socket() });
      const slow = new Subscriber(clientOf(), {});
      await slow.until(({ run }) => !!run);
      slow.call.pause();
      for (let i = 1; i <= 3000 && hub.status.overruns === 0; i++) {
        const incident = scanIncident({ id: String(i), summary: `${i} ${'x'.repeat(4000)}` });
        hub.publish((cursor) => hub.messages.incident(incident, 'opened', cursor));
        await sleep(0);
      }
      assert.equal(hub.status.overruns, 1);
      slow.call.resume();
      const error = await slow.ended;
      assert.equal(error?.code, status.RESOURCE_EXHAUSTED);
      const cursor = String(error.metadata.get(CURSOR_TRAILER)[0]);
      assert.equal(slow.envelopes.at(-1)!.cursor, cursor, 'all before it was given');
      const again = new Subscriber(clientOf(), { after: cursor });
      const next = await again.until(({ verdict }) => !!verdict);
      assert.equal(parseInt(next.verdict!.summary!), parseInt(slow.summaries.at(-1)!) + 1);
    });

    it('says how the run ended', async () => {
      await serve({ path: socket() });
      const stream = new VerdictStream(hub);
      const subscriber = new Subscriber(clientOf(), {});
      await subscriber.until(({ run }) => !!run);
      stream.onIncident(scanIncident(), 'final');
      stream.onSummary(summaryOf());
      await stream.end();
      assert.equal(await subscriber.ended, null);
      assert.equal(subscriber.envelopes.at(-1)!.runEnd!.verdicts, 1);
    });

    it('lists incidents by pages, gives one, and takes feedback', async () => {
      const runId = await keptRun();
      await serve({ path: socket() }, runId);
      const client = clientOf();
      type List = thymus.v1.ListIncidentsResponse;
      const first = await client.call<List>('ListIncidents', { pageSize: 1 });
      assert.deepEqual(
        first.incidents.map(({ incidentId, evidence, evidenceCount }) => [
          incidentId,
          evidence!.length,
          evidenceCount,
        ]),
        [['1', 0, scanIncident().evidenceCount]],
      );
      const second = await client.call<List>('ListIncidents', { pageToken: first.nextPageToken });
      assert.equal(second.incidents[0]!.summary, 'second');
      assert.equal(second.nextPageToken, '');
      const one = await client.call<thymus.v1.Verdict>('GetIncident', { id: '1' });
      assert.equal(one.runId, runId);
      assert.equal(one.evidence[0]!.features![0]!.observed, 34);
      const taken = await client.call<thymus.v1.GiveFeedbackResponse>('GiveFeedback', {
        id: `${runId}/1`,
        is: thymus.v1.GiveFeedbackRequest.Is.IS_BENIGN,
      });
      assert.equal(taken.id, `${runId}/1`);
      assert.ok(taken.oddsFactor < 1);
    });

    it('refuses in sentences', async () => {
      const runId = await keptRun();
      await serve({ path: socket() }, runId);
      const client = clientOf();
      const refused = (method: string, request: object, code: status, details: RegExp) =>
        assert.rejects(client.call(method, request), (error: { code: number; details: string }) => {
          assert.equal(error.code, code);
          assert.match(error.details, details);
          return true;
        });
      await refused('GetIncident', { id: '7' }, status.NOT_FOUND, /there are 1, 2/);
      await refused('GetIncident', { id: 'x/1' }, status.NOT_FOUND, /No run/);
      await refused('ListIncidents', { pageToken: '-1' }, status.INVALID_ARGUMENT, /next_page/);
      await refused('GiveFeedback', { id: '1' }, status.INVALID_ARGUMENT, /IS_BENIGN/);
      const tooLarge = { id: 'x'.repeat(1 << 17) };
      await assert.rejects(client.call('GetIncident', tooLarge), {
        code: status.RESOURCE_EXHAUSTED,
      });
      const subscriber = new Subscriber(client, { after: 'yesterday' });
      assert.equal((await subscriber.ended)?.code, status.INVALID_ARGUMENT);
    });

    it('says that an own run is not kept', async () => {
      await serve({ path: socket() });
      await assert.rejects(clientOf().call('GetIncident', { id: '1' }), {
        code: status.FAILED_PRECONDITION,
      });
    });

    it('tells its status and health', async () => {
      await serve({ path: socket() }, 'RUN');
      publish(hub, 1, 3);
      const said = await clientOf().call<thymus.v1.Status>('GetStatus');
      assert.equal(said.stream!.messages, 3);
      assert.equal(said.runId, 'RUN');
      const checker = clientOf(
        undefined,
        undefined,
        descriptorFile('grpc_health_v1'),
        health.health.v1,
      );
      assert.deepEqual({ ...(await checker.call<object>('Check')) }, { status: 1 });
      await assert.rejects(checker.call('Check', { service: 'x' }), { code: status.NOT_FOUND });
    });

    it('tells by reflection what it speaks', async () => {
      await serve({ path: socket() });
      const file = descriptorFile('grpc_reflection_v1');
      type Answer = reflection.reflection.v1.ServerReflectionResponse;
      const call = clientOf(undefined, undefined, file, reflection.reflection.v1).duplex<
        object,
        Answer
      >('ServerReflectionInfo');
      const ask = (request: object): Promise<Answer> =>
        new Promise((resolve) => {
          call.once('data', resolve);
          call.write(request);
        });
      const { listServicesResponse } = await ask({ listServices: '' });
      assert.deepEqual(
        listServicesResponse!.service!.map(({ name }) => name),
        ['thymus.v1.Thymus', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'],
      );
      for (const fileContainingSymbol of ['thymus.v1.Thymus', 'thymus.v1.Evidence']) {
        const { fileDescriptorResponse } = await ask({ fileContainingSymbol });
        const [bytes] = fileDescriptorResponse!.fileDescriptorProto!;
        // A client makes its own types of it.
        const set = { file: [descriptors.FileDescriptorProto.decode(bytes!)] };
        const root = protobuf.Root.fromDescriptor(set as never).resolveAll();
        const watch = root.lookupService('thymus.v1.Thymus').methods['Watch']!;
        assert.equal(watch.resolvedResponseType?.fullName, '.thymus.v1.Envelope');
        assert.ok(root.lookupType('thymus.v1.Verdict').fields['evidence']!.resolvedType);
      }
      const { errorResponse } = await ask({ fileContainingSymbol: 'thymus.v1.Nothing' });
      assert.equal(errorResponse!.errorCode, status.NOT_FOUND);
      call.end();
    });

    it('is for its owner alone', async () => {
      chmodSync(directory, 0o755);
      await assert.rejects(serve({ path: socket() }), { code: 'USAGE', message: /chmod 700/ });
    });
  });

  describe('over a network port', () => {
    let pki: string;
    let authority: Authority;
    let own: Identity;

    before(function () {
      if (!Authority.isPossible) this.skip();
      pki = mkdtempSync(join(tmpdir(), 'thymus-pki-'));
      authority = new Authority(pki, 'authority');
      own = authority.sign('localhost');
    });
    after(() => {
      if (Authority.isPossible) rmSync(pki, { recursive: true });
    });

    const tlsOf = (): TlsFiles => ({ ...own, ca: authority.ca, prefix: '--grpc-' });
    const listen = (): Promise<GrpcServer> =>
      serve({ host: '127.0.0.1', port: 0, tls: tlsOf() }, 'RUN');
    const clientWith = (identity: Identity | null, ca: string, port: number): GrpcClient => {
      const [root, key, cert] = [ca, identity?.key, identity?.cert].map((path) =>
        path === undefined ? null : readFileSync(path),
      );
      return clientOf(`127.0.0.1:${port}`, credentials.createSsl(root, key, cert));
    };

    it('serves those whom the authority has signed', async () => {
      const { port } = await listen();
      const client = clientWith(authority.sign('console'), authority.ca, port);
      publish(hub, 1, 3);
      const subscriber = new Subscriber(client, { fromOldest: true });
      await subscriber.until(({ verdict }) => verdict?.summary === '3');
      assert.deepEqual(subscriber.summaries, ['1', '2', '3']);
      subscriber.call.cancel();
      assert.equal((await client.call<thymus.v1.Status>('GetStatus')).runId, 'RUN');
      const attended = { unattended: false, approvalsNeeded: 2 };
      const end = await respond([proposalOf('1.1', attended)]);
      try {
        const [action] = (await listed(client)).actions;
        await assert.rejects(client.call('Approve', { id: action!.id, by: 'Ada' }), {
          code: status.FAILED_PRECONDITION,
          details: /is console and cannot speak for Ada/,
        });
        await client.call('Approve', { id: action!.id });
        const [voted] = (await listed(client)).actions;
        assert.deepEqual(
          voted!.votes!.map(({ by, says }) => [by, says]),
          [['console', 'approve']],
        );
        assert.equal(voted!.state, 'pending', 'one certificate is one person');
      } finally {
        await end();
      }
    });

    it('refuses strangers, those who show nothing, and those who do not encrypt', async () => {
      const { port } = await listen();
      const stranger = new Authority(pki, 'stranger').sign('console2');
      const unavailable = { code: status.UNAVAILABLE };
      for (const identity of [stranger, null]) {
        const client = clientWith(identity, authority.ca, port);
        await assert.rejects(client.call('GetStatus'), unavailable);
      }
      await assert.rejects(clientOf(`127.0.0.1:${port}`).call('GetStatus'), unavailable);
      const silent = connect(port, '127.0.0.1');
      const client = clientWith(authority.sign('third'), authority.ca, port);
      assert.equal((await client.call<thymus.v1.Status>('GetStatus')).runId, 'RUN');
      silent.destroy();
    });

    it('refuses certificates that are none', async () => {
      const tls = tlsOf();
      const at = (changes: object) =>
        serve({ host: '127.0.0.1', port: 0, tls: { ...tls, ...changes } });
      await assert.rejects(at({ cert: '/nowhere' }), { message: /'--grpc-cert' \/nowhere/ });
      await assert.rejects(at({ key: own.cert }), { code: 'USAGE', message: /check them/ });
      const other = authority.sign('other');
      await assert.rejects(at({ key: other.key }), { code: 'USAGE' });
    });
  });

  it('is not loaded unless it is asked for', () => {
    const loaded = execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `await import(${JSON.stringify(new URL('../../../src/cli/watch.js', import.meta.url).href)});
         const { createRequire } = await import('node:module');
         const names = Object.keys(createRequire(import.meta.url).cache);
         console.log(names.filter((name) => name.includes('grpc')).length);`,
      ],
      { encoding: 'utf8' },
    );
    assert.equal(loaded.trim(), '0');
  });
});
