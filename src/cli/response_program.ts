import { Option, type Command } from 'commander';
import { addSettingFlags } from './setting_flags.js';

/* The commands of the response, as program.ts has the others. */

const NAME_FLAG = ['--as <name>', 'who says so, for the log; by default the user'] as const;
const JSON_FLAG = ['--json', 'as JSON lines instead of text'] as const;

export function addRespond(program: Command): Command {
  const command = program
    .command('respond')
    .description('apply and withdraw actions; watch --respond starts it where none runs')
    .option('--mode <mode>', 'observe, recommend, guarded or auto; by default as it was last')
    .option('--stay', 'go on when nothing is in force and nobody watches')
    .option('-q, --quiet', 'errors only');
  return addSettingFlags(command, ['state']).addHelpText('after', RESPOND_EXAMPLES);
}

export function addAgent(program: Command): Command {
  return program
    .command('agent')
    .description('enforce at this gateway what a responder on another machine orders')
    .requiredOption('--listen <host:port>', 'where the responder reaches it')
    .requiredOption('--allow <name>', 'common name in the certificate of the responder')
    .requiredOption('--cert <file>', 'certificate that it shows, with its chain, as PEM')
    .requiredOption('--key <file>', 'private key of --cert, as PEM')
    .requiredOption('--ca <file>', 'who signs the certificate of the responder, as PEM')
    .addOption(
      new Option('--at <hook>', 'where nftables judges packets')
        .choices(['prerouting', 'forward', 'ingress'])
        .default('prerouting'),
    )
    .option('--device <iface...>', 'interfaces, with --at ingress')
    .option('--never <prefix...>', 'addresses that it never acts on, whoever orders it')
    .option('-q, --quiet', 'errors only')
    .addHelpText('after', AGENT_EXAMPLES);
}

export function addActions(program: Command): Command {
  const command = program
    .command('actions')
    .description('what is being done about incidents, and what waits for somebody to agree')
    .option('--all', 'also what ended within the last hour')
    .option(...JSON_FLAG);
  return addSettingFlags(command, ['state']).addHelpText('after', ACTIONS_EXAMPLES);
}

export function addVote(program: Command, says: 'approve' | 'reject'): Command {
  const what = says === 'approve' ? 'agree to an action that waits' : 'refuse an action that waits';
  const command = program
    .command(says)
    .description(what)
    .argument('<id>', "number of an action as 'thymus actions' shows it, or its beginning")
    .option(...NAME_FLAG)
    .option(...JSON_FLAG);
  return addSettingFlags(command, ['state']);
}

export function addRollBack(program: Command): Command {
  const command = program
    .command('rollback')
    .description('take back one action')
    .argument('<id>', "number of an action as 'thymus actions' shows it, or its beginning")
    .option('--because <why>', 'for the log')
    .option(...NAME_FLAG)
    .option(...JSON_FLAG);
  return addSettingFlags(command, ['state']);
}

export function addPanic(program: Command): Command {
  const command = program
    .command('panic')
    .description('take back everything at once, and do nothing more until it is over')
    .option('--over', 'let actions be applied again')
    .option(...NAME_FLAG)
    .option(...JSON_FLAG);
  return addSettingFlags(command, ['state']).addHelpText('after', PANIC_EXAMPLES);
}

export function addAudit(
  program: Command,
): Readonly<Record<'verify' | 'show' | 'replay', Command>> {
  const audit = program
    .command('audit')
    .description('what was decided and done, by whom, and whether the log of it is whole')
    .addHelpText('after', AUDIT_EXAMPLES);
  const verify = audit
    .command('verify')
    .description('check that no entry of the decision log was changed, added or taken away')
    .option(...JSON_FLAG);
  const show = audit
    .command('show')
    .description('tell the story of an action, or of all actions of an incident')
    .argument('<id>', 'number of an action, or RUN/INCIDENT')
    .option('--for <reader>', 'operator, regulator or customer; by default operator')
    .option(...JSON_FLAG);
  const replay = audit
    .command('replay')
    .description('make each decision again of what it was made of, and compare')
    .option(...JSON_FLAG);
  for (const command of [verify, show, replay]) addSettingFlags(command, ['state']);
  return { verify, show, replay };
}

const RESPOND_EXAMPLES = `
What it acts through stands in the configuration file, under 'actuators':

  actuators:
    - kind: nftables
      at: forward

Examples:
  thymus respond --config thymus.yaml               until nobody needs it
  thymus respond --config thymus.yaml --stay        as a service

There is one in a state directory. SIGTERM and Ctrl-C end it; what its targets would not let go of by
themselves is withdrawn before.`;

const AGENT_EXAMPLES = `
Example, with the actuator 'agent' at the responder (docs/actuators.md):
  thymus agent --listen 192.0.2.1:9466 --allow responder.example --at forward \\
    --cert gateway.pem --key gateway.key --ca ca.pem --never 192.0.2.0/28

It needs nft and CAP_NET_ADMIN. What is enforced ends by the time that each order has, also when the
responder is gone, the agent has ended, or was killed.`;

const ACTIONS_EXAMPLES = `
Examples:
  thymus actions                      what is in force and what waits
  thymus approve 3f2a                 agree to the action whose number begins so
  thymus rollback 3f2a --because 'our own scanner'`;

const PANIC_EXAMPLES = `
It asks the responder; when that does not answer within a second it is ended, and everything is
withdrawn by what its journal says. Exit code 1: something could not be withdrawn yet.`;

const AUDIT_EXAMPLES = `
Examples:
  thymus audit verify                        is the log whole?
  thymus audit show 3f2a --for regulator     why was this done, and by whom?
  thymus audit replay                        would the same be decided again?`;
