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
import { descriptorFile } from '../../../src/api/grpc/descriptors.js';
import { GrpcServer, type GrpcPlace } from '../../../src/api/grpc/server.js';
import { CURSOR_TRAILER, ThymusService } from '../../../src/api/grpc/thymus_service.js';
import type { StreamHub } from '../../../src/api/stream_hub.js';
import { VerdictStream } from '../../../src/api/verdict_stream.js';
import { RunArchive } from '../../../src/store/run_archive.js';
import { RunStore } from '../../../src/store/run_store.js';
import { Authority, type Identity } from '../support/certificates.js';
import { GrpcClient, Subscriber } from '../support/grpc_client.js';
import { scanIncident, summaryOf } from './incidents.js';
import { hubOf, publish } from './stream_support.js';

const THYMUS = descriptorFile('thymus_v1');

describe('gRPC', function () {
  this.timeout(10_000);
  let directory: string;
  let hub: StreamHub;
  let server: GrpcServer | null = null;
  const clients: GrpcClient[] = [];
  const socket = (): string => join(directory, 'thymus.sock');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'thymus-grpc-'));
    hub = hubOf(join(directory, 'stream'), { frames: 64 });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server?.close();
    server = null;
    rmSync(directory, { recursive: true });
  });

  async function serve(place: GrpcPlace, runId: string | null = null): Promise<GrpcServer> {
    const service = new ThymusService({
      hub,
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

  describe('over a Unix socket', () => {
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

    const listen = (): Promise<GrpcServer> =>
      serve({ host: '127.0.0.1', port: 0, tls: { ...own, ca: authority.ca } }, 'RUN');
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
      const tls = { ...own, ca: authority.ca };
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
