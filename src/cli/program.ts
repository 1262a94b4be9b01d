import { Command, CommanderError } from 'commander';
import type { SettingName } from '../config/settings.js';
import { ThymusError } from '../errors.js';
import { print } from './console.js';
import { EXIT, reportError } from './exit.js';
import type {
  ActionsFlags,
  AgentFlags,
  AuditFlags,
  BenchFlags,
  DevicesFlags,
  ModelFlags,
  PanicFlags,
  ReplayFlags,
  RespondFlags,
  StateFlags,
  VoteFlags,
  WatchFlags,
} from './flags.js';
import { addModeFlag, withModesApart } from './mode_flag.js';
import {
  addActions,
  addAgent,
  addAudit,
  addPanic,
  addRespond,
  addRollBack,
  addVote,
} from './response_program.js';
import { addSettingFlags } from './setting_flags.js';

const REPLAY_SETTINGS: readonly SettingName[] = [
  'home-net',
  'scanners',
  'budget',
  'lanes',
  'pin',
  'shards',
  'checksums',
  'digests',
  'identities',
  'identity-key',
  'max-flows',
  'queue-mib',
  'memory',
  'state',
  'store',
  'respond-zones',
  'respond-protected',
  'respond-allow',
];
const WATCH_SETTINGS: readonly SettingName[] = [
  ...REPLAY_SETTINGS,
  'source',
  'ring-mib',
  'evidence-mib',
  'timestamps',
  'prometheus',
  'grpc',
  'grpc-cert',
  'grpc-key',
  'grpc-ca',
];
const BENCH_SETTINGS: readonly SettingName[] = [
  'lanes',
  'shards',
  'max-flows',
  'queue-mib',
  'memory',
];

/**
 * Runs one command line.
 * @param args without the name of the program
 * @returns the exit code
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.DONE;
  const program = createProgram((code) => (exitCode = code));
  try {
    await program.parseAsync(withModesApart(args), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error);
    return error.exitCode === 0 ? EXIT.DONE : reportError(usageError(error, args));
  }
}

/** Commander's own messages, brought into the form that all errors have. */
function usageError(error: CommanderError, args: readonly string[]): ThymusError {
  if (error.code === 'commander.help') {
    return new ThymusError('USAGE', "No command was given: see 'thymus --help'.");
  }
  const what = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const sentence = what.charAt(0).toUpperCase() + what.slice(1).replace(/\.$/, '');
  const command = COMMANDS.find((name) => name === args[0]);
  const help = command === undefined ? 'thymus --help' : `thymus ${command} --help`;
  return new ThymusError('USAGE', `${sentence}: see '${help}'.`);
}

const COMMANDS = [
  'replay',
  'watch',
  'stats',
  'incidents',
  'explain',
  'devices',
  'feedback',
  'model',
  'respond',
  'agent',
  'actions',
  'approve',
  'reject',
  'rollback',
  'panic',
  'audit',
  'bench',
] as const;

/** Commands are imported when they run: `--help` should not load a database. */
function createProgram(setExitCode: (code: number) => void): Command {
  const program = new Command('thymus')
    .description('A network immune system: finds in packets what is not self, and explains why.')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {} })
    .helpCommand(false)
    .addHelpText('after', PROGRAM_EXAMPLES);

  addReplay(program).action(async (files: string[], options: ReplayFlags) => {
    const { replayCommand } = await import('./replay.js');
    setExitCode(await replayCommand(files, options));
  });
  addWatch(program).action(async (interfaces: string[], options: WatchFlags) => {
    const { watchCommand } = await import('./watch.js');
    setExitCode(await watchCommand(interfaces, options));
  });
  addStats(program).action(async (process: string | undefined, options: StateFlags) => {
    const { statsCommand } = await import('./stats.js');
    setExitCode(await statsCommand(process, options));
  });
  addIncidents(program).action(async (run: string | undefined, options: StateFlags) => {
    const { incidentsCommand } = await import('./incidents.js');
    setExitCode(await incidentsCommand(run, options));
  });
  addExplain(program).action(async (id: string, options: StateFlags) => {
    const { explainCommand } = await import('./explain.js');
    setExitCode(await explainCommand(id, options));
  });
  addDevices(program).action(async (id: string | undefined, options: DevicesFlags) => {
    const { devicesCommand } = await import('./devices.js');
    setExitCode(await devicesCommand(id, options));
  });
  addFeedback(program).action(async (id: string, verdict: string, options: StateFlags) => {
    const { feedbackCommand } = await import('./feedback.js');
    setExitCode(await feedbackCommand(id, verdict, options));
  });
  addModel(program).action(async (options: ModelFlags) => {
    const { modelCommand } = await import('./model.js');
    setExitCode(await modelCommand(options));
  });
  addResponse(program, setExitCode);
  addBench(program).action(async (file: string | undefined, options: BenchFlags) => {
    const { benchCommand } = await import('./bench.js');
    setExitCode(await benchCommand(file, options));
  });
  return program;
}

function addResponse(program: Command, setExitCode: (code: number) => void): void {
  addRespond(program).action(async (options: RespondFlags) => {
    const { respondCommand } = await import('./respond.js');
    setExitCode(await respondCommand(options));
  });
  addAgent(program).action(async (options: AgentFlags) => {
    const { agentCommand } = await import('./agent.js');
    setExitCode(await agentCommand(options));
  });
  addActions(program).action(async (options: ActionsFlags) => {
    const { actionsCommand } = await import('./actions.js');
    setExitCode(await actionsCommand(options));
  });
  for (const says of ['approve', 'reject'] as const) {
    addVote(program, says).action(async (id: string, options: VoteFlags) => {
      const { voteCommand } = await import('./actions.js');
      setExitCode(await voteCommand(id, says, options));
    });
  }
  addRollBack(program).action(async (id: string, options: VoteFlags) => {
    const { rollBackCommand } = await import('./actions.js');
    setExitCode(await rollBackCommand(id, options));
  });
  addPanic(program).action(async (options: PanicFlags) => {
    const { panicCommand } = await import('./actions.js');
    setExitCode(await panicCommand(options));
  });
  const { verify, show, replay } = addAudit(program);
  verify.action(async (options: StateFlags) => {
    const { auditVerifyCommand } = await import('./audit.js');
    setExitCode(await auditVerifyCommand(options));
  });
  show.action(async (id: string, options: AuditFlags) => {
    const { auditShowCommand } = await import('./audit.js');
    setExitCode(await auditShowCommand(id, options));
  });
  replay.action(async (options: StateFlags) => {
    const { auditReplayCommand } = await import('./audit.js');
    setExitCode(await auditReplayCommand(options));
  });
}

function addReplay(program: Command): Command {
  const command = program
    .command('replay')
    .description('read captures and report the incidents in them')
    .argument('<file...>', "pcap or pcapng, also with .gz or .zst; '-' is standard input")
    .option('--each', 'take each file as a run of its own, instead of all as one stream')
    .option('--eve <file>', "write flows, events and incidents as EVE JSON; '-' is standard output")
    .option('--eve-dir <dir>', 'with --each: one EVE file per capture, DIR/0.eve.json and so on')
    .option('--verdicts <file>', 'write verdicts as length-delimited protobuf')
    .option('--flows <file>', 'write all flow records; the name ends in .csv, .jsonl or .parquet')
    .option('--evidence-pcap <dir>', 'write the packets of each incident, DIR/1.pcap and so on')
    .option('--model <file>', 'go on from a model that --save-model or a watch has written')
    .option('--save-model <file>', 'write what was learned, to go on from')
    .option('--metrics <file>', 'write what the run cost (time, memory) as JSON')
    .option('--rules <file>', 'reserved for Suricata rules')
    .option('--json', 'report as EVE JSON lines instead of text')
    .option('-q, --quiet', 'no report and no progress, errors only');
  addModeFlag(command, 'say what would have been done about incidents; nothing is done');
  return addSettingFlags(command, REPLAY_SETTINGS).addHelpText('after', REPLAY_EXAMPLES);
}

function addWatch(program: Command): Command {
  const command = program
    .command('watch')
    .description('watch a tap and report incidents as they happen')
    .argument('<iface...>', "interfaces, or patterns of their names such as 'eth*'")
    .option('--filter <expr>', 'take only what this filter lets through, as tcpdump writes it')
    .option('--no-promiscuous', 'leave out frames for other machines')
    .option('--duration <s>', 'stop by itself after so many seconds')
    .option('--model <file>', 'go on from this model and keep it there, instead of in --state')
    .option('--no-model', 'begin with nothing, and keep nothing of what is learned')
    .option('--eve <file>', "add flows, events and incidents as EVE JSON; '-' is standard output")
    .option(
      '--verdicts <file>',
      'write verdicts as length-delimited protobuf; unix:PATH serves them',
    )
    .option('--flows <file>', 'write all flow records; the name ends in .csv, .jsonl or .parquet')
    .option('--evidence-pcap <dir>', 'write the packets of each incident, DIR/1.pcap and so on')
    .option('--json', 'incidents as EVE JSON lines instead of text')
    .option('-q, --quiet', 'no incidents and no status, errors only');
  addModeFlag(command, 'answer incidents, as far as this mode allows; see docs/response.md');
  return addSettingFlags(command, WATCH_SETTINGS).addHelpText('after', WATCH_EXAMPLES);
}

function addStats(program: Command): Command {
  const command = program
    .command('stats')
    .description('how a run of watch stands: rates, drops, fills, latencies')
    .argument('[pid]', 'number of its process, where several run')
    .option('--json', 'as one line of JSON');
  return addSettingFlags(command, ['state']).addHelpText('after', STATS_EXAMPLES);
}

function addIncidents(program: Command): Command {
  const command = program
    .command('incidents')
    .description('list the incidents of a run that was kept')
    .argument('[run]', 'a run, or the beginning of its name; by default the newest')
    .option('--json', 'as EVE JSON lines instead of text');
  return addSettingFlags(command, ['state']).addHelpText('after', INCIDENTS_EXAMPLES);
}

function addExplain(program: Command): Command {
  const command = program
    .command('explain')
    .description('explain one incident: every piece of evidence, its numbers and its flows')
    .argument('<id>', 'RUN/INCIDENT, or the number of an incident of the newest run')
    .option('--json', 'as one EVE JSON line instead of text');
  return addSettingFlags(command, ['state']).addHelpText('after', EXPLAIN_EXAMPLES);
}

function addDevices(program: Command): Command {
  const command = program
    .command('devices')
    .description('list the devices that a run saw, or tell all about one')
    .argument('[id]', 'address, name or hardware address of one; by default all')
    .option('--run <run>', 'a run, or the beginning of its name; by default the newest')
    .option('--json', 'as JSON lines instead of text');
  return addSettingFlags(command, ['state']).addHelpText('after', DEVICES_EXAMPLES);
}

function addFeedback(program: Command): Command {
  const command = program
    .command('feedback')
    .description('say what an incident was; later ones of its kind are told as more or less sure')
    .argument('<id>', 'RUN/INCIDENT, or the number of an incident of the newest run')
    .argument('<verdict>', "'benign' or 'attack'");
  return addSettingFlags(command, ['state']).addHelpText('after', FEEDBACK_EXAMPLES);
}

function addModel(program: Command): Command {
  const command = program
    .command('model')
    .description('tell what was learned, when and from what; go back to an earlier day')
    .option('--model <file>', 'tell of this model instead of the one in --state')
    .option('--roll-back <day>', 'forget what was learned after this day, such as 2026-11-20')
    .option('--json', 'as one line of JSON instead of text');
  return addSettingFlags(command, ['state']).addHelpText('after', MODEL_EXAMPLES);
}

function addBench(program: Command): Command {
  const command = program
    .command('bench')
    .description('measure the speed of this machine on a capture, against a bare walk of it')
    .argument('[file]', 'a plain pcap; by default a made one')
    .option('--runs <n>', 'fresh processes of which the median is taken', '5')
    .option('--json', 'figures as one line of JSON');
  return addSettingFlags(command, BENCH_SETTINGS).addHelpText('after', BENCH_EXAMPLES);
}

const PROGRAM_EXAMPLES = `
Examples:
  thymus replay office.pcap           what happened in this capture?
  thymus watch eth0                   what happens on this tap?
  thymus incidents                    the incidents of the newest run
  thymus explain 1                    why was the first one reported?
  thymus devices                      what devices are there?
  thymus actions                      what is being done, and what waits for me?
  thymus bench                        how fast is this machine?

Each command has its own help: thymus replay --help`;

const REPLAY_EXAMPLES = `
Examples:
  thymus replay monday.pcap tuesday.pcapng.gz        two captures as one stream
  thymus replay --each --eve-dir out *.pcap          each capture alone, out/0.eve.json, ...
  tcpdump -r big.pcap -w - tcp | thymus replay -     from a pipe
  thymus replay --eve - --quiet a.pcap | jq .        as EVE JSON
  thymus replay --home-net 192.0.2.0/24 a.pcap       say what is internal
  thymus replay --save-model m monday.pcap           learn what is usual on a Monday
  thymus replay --model m tuesday.pcap               and judge the Tuesday by it
  thymus replay a.pcap --respond=auto                what would have been done, at once or by people

Exit codes: 0 done, 1 failed, 2 wrong usage or unreadable input, 130 interrupted.`;

const WATCH_EXAMPLES = `
Examples:
  thymus watch eth0                            incidents on the terminal, until Ctrl-C
  thymus watch 'tap*' --eve /var/log/eve.json  several interfaces, all events into a file
  thymus watch eth0 --filter 'not port 22'     without some traffic; it is left out by the kernel,
                                               which has taken the outer VLAN tag off by then
  thymus watch eth0 --lanes 4 --pin 2,3,4,5    more threads, each on a CPU of its own
  thymus watch eth0 --prometheus [::1]:9464    metrics at http://[::1]:9464/metrics
  thymus watch eth0 --grpc unix                a programming interface: see docs/api.md

Watching needs the right CAP_NET_RAW, and CAP_NET_ADMIN for frames to other machines; root has both.
SIGTERM and --duration end it with exit code 0, Ctrl-C with 130; all flows are written before.
SIGHUP opens the --eve file anew, for those who rotate it.`;

const STATS_EXAMPLES = `
Examples:
  thymus stats                        of the one run of watch on this machine
  thymus stats --json | jq .counters  every counter

It asks the run through a socket in the state directory: give the same --state as to watch. For
Prometheus, see 'thymus watch --help'.`;

const INCIDENTS_EXAMPLES = `
Examples:
  thymus incidents                    of the newest run
  thymus incidents 20261120           of the newest run of that day`;

const EXPLAIN_EXAMPLES = `
Examples:
  thymus explain 1                    incident 1 of the newest run
  thymus explain 20261120/3           incident 3 of the newest run of that day`;

const DEVICES_EXAMPLES = `
Examples:
  thymus replay --store devices office.pcap   a run that keeps its devices
  thymus devices                              those of the newest run
  thymus devices 10.20.0.5                    all about the one that had this address`;

const FEEDBACK_EXAMPLES = `
Examples:
  thymus feedback 1 benign              incident 1 of the newest run was the backup
  thymus feedback 20261120/3 attack     incident 3 of that day was one

What alarms does not change: only how sure an incident is told to be. What was said is kept in
feedback.jsonl of the state directory; saying it again changes it.`;

const MODEL_EXAMPLES = `
Examples:
  thymus model                          what the next watch goes on from
  thymus model --roll-back 2026-11-20   go on from the end of that day
  thymus model --model office.model     of a file that 'replay --save-model' has written`;

const BENCH_EXAMPLES = `
Examples:
  thymus bench                        on a made trace of small packets
  thymus bench --runs 9 day.pcap      on your own, nine times`;
