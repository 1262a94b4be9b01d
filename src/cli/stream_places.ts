import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ActionFeed } from '../api/action_feed.js';
import type { GrpcPlace, GrpcServer } from '../api/grpc/server.js';
import type { StreamHub, StreamHubOptions } from '../api/stream_hub.js';
import type { StreamSocket } from '../api/stream_socket.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Settings } from '../config/settings.js';
import type { LiveStatus } from '../engine/pipeline.js';
import { ThymusError } from '../errors.js';
import { responseFiles } from '../store/response_files.js';
import { grpcSocket, streamDirectory } from '../store/run_files.js';
import { complain } from './console.js';
import { stateDirectory } from './state_directory.js';
import { engineVersion } from './version.js';

const MIB = 1024 * 1024;
/** What a subscriber may be behind. */
const RING = { frames: 1024, bytes: 16 * MIB };
/** What is kept over restarts, for subscribers that come back. */
const KEPT = { mostBytes: 64 * MIB, segmentBytes: 8 * MIB };

/** Where incidents are said as they change. */
export interface StreamPlaces {
  readonly sink: RecordSink;
  close(): Promise<void>;
}

export interface StreamRun {
  readonly interfaces: readonly string[];
  /** Null when the run is not kept. */
  readonly runId: string | null;
  /** Path of `--verdicts unix:PATH`; null when that is not asked for. */
  readonly socket: string | null;
  readonly status: () => LiveStatus | null;
}

/**
 * Opens what `--grpc` and `--verdicts unix:PATH` ask for; nothing is loaded without them.
 * @returns null when neither is asked for
 * @throws ThymusError USAGE when a place cannot be had
 */
export async function openStreamPlaces(
  settings: Settings,
  run: StreamRun,
): Promise<StreamPlaces | null> {
  if (settings.grpc === null && run.socket === null) return null;
  const place = settings.grpc === null ? null : grpcPlaceOf(settings);
  const { VerdictStream } = await import('../api/verdict_stream.js');
  const hub = await openHub(settings, run);
  const { ActionFeed } = await import('../api/action_feed.js');
  const actions = new ActionFeed({
    path: responseFiles(stateDirectory(settings)).socket,
    onAction: (action) => {
      if (!hub.isFinished) hub.publish((cursor) => hub.messages.action(action, cursor));
    },
  });
  let socket: StreamSocket | null = null;
  let server: GrpcServer | null = null;
  const close = async (): Promise<void> => {
    actions.close();
    socket?.close();
    await server?.close();
  };
  try {
    if (run.socket !== null) {
      const { StreamSocket } = await import('../api/stream_socket.js');
      socket = await StreamSocket.listen(run.socket, hub);
    }
    if (place !== null) server = await openServer(place, { settings, run, hub, actions });
    return { sink: new VerdictStream(hub), close };
  } catch (error) {
    await hub.finish();
    await close();
    throw error;
  }
}

/** A network port without certificates would be open to everyone who reaches it. */
function grpcPlaceOf(settings: Settings): GrpcPlace {
  const { grpc, grpcCert: cert, grpcKey: key, grpcCa: ca } = settings;
  if (grpc === null) throw new Error('no place');
  if ('path' in grpc) return { path: grpc.path ?? grpcSocket(stateDirectory(settings)) };
  if (cert !== null && key !== null && ca !== null) {
    return { ...grpc, tls: { cert, key, ca, prefix: '--grpc-' } };
  }
  const message =
    `'--grpc ${grpc.host}:${grpc.port}' would be open to all who reach it: give --grpc-cert, ` +
    "--grpc-key and --grpc-ca, or use '--grpc unix'.";
  throw new ThymusError('USAGE', message);
}

async function openHub(settings: Settings, run: StreamRun): Promise<StreamHub> {
  const { StreamHub } = await import('../api/stream_hub.js');
  const { StreamMessages } = await import('../api/stream_messages.js');
  const subject = {
    engineVersion: engineVersion(),
    sources: run.interfaces,
    runId: run.runId,
  };
  return new StreamHub({
    messages: new StreamMessages(subject),
    ring: RING,
    kept: settings.store === 'none' ? null : await openLog(settings, run.interfaces),
    session: Date.now().toString(16).padStart(12, '0'),
    onLogFailure: tellUnkept,
  });
}

/** Runs on other interfaces have streams of their own. */
async function openLog(
  settings: Settings,
  interfaces: readonly string[],
): Promise<StreamHubOptions['kept']> {
  const { FrameLog } = await import('../store/frame_log.js');
  const names = JSON.stringify([...interfaces].sort());
  const name = createHash('sha256').update(names).digest('hex').slice(0, 16);
  const directory = streamDirectory(stateDirectory(settings), name);
  try {
    return { log: new FrameLog({ ...KEPT, directory, nowMs: Date.now() }), directory };
  } catch (error) {
    tellUnkept(error);
    return null;
  }
}

function tellUnkept(error: unknown): void {
  const why = error instanceof ThymusError ? error.message : String(error);
  complain(`thymus: ${why} Subscribers cannot go on from before the newest messages.\n`);
}

interface ServerParts {
  readonly settings: Settings;
  readonly run: StreamRun;
  readonly hub: StreamHub;
  readonly actions: ActionFeed;
}

async function openServer(
  place: GrpcPlace,
  { settings, run, hub, actions }: ServerParts,
): Promise<GrpcServer> {
  const { GrpcServer } = await import('../api/grpc/server.js');
  const { ThymusService } = await import('../api/grpc/thymus_service.js');
  const { RunArchive } = await import('../store/run_archive.js');
  const directory = stateDirectory(settings);
  if (settings.grpc !== null && 'path' in settings.grpc && settings.grpc.path === null) {
    mkdirSync(dirname(grpcSocket(directory)), { recursive: true, mode: 0o700 });
  }
  const service = new ThymusService({
    hub,
    actions,
    archive: new RunArchive(directory),
    stateDirectory: directory,
    runId: run.runId,
    engineVersion: engineVersion(),
    status: run.status,
  });
  return GrpcServer.listen(place, service);
}
