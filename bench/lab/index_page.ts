import { LICENCE, ORIGIN, type Label } from './labels.js';

/** The page for readers, from the labels alone. */
export function indexPage(labels: readonly Label[]): string {
  return `# Captures

Origin of all: ${ORIGIN}, with real tools in network namespaces; addresses and people are made up.
Licence: ${LICENCE}. What is in them, to the packet, is in \`labels.json\`. To make them anew, as root:
\`bench/lab/run.sh\`.

| file | what it shows | packets | duration | attack |
| --- | --- | ---: | ---: | --- |
${labels.map(row).join('\n')}
${labels.map(story).join('')}`;
}

function row(label: Label): string {
  const seconds = ((label.lastPacketUs - label.firstPacketUs) / 1e6).toFixed(0);
  const attack = label.attack === null ? 'none' : techniqueOf(label);
  const cells = [label.file, label.shows, String(label.packets), `${seconds} s`, attack];
  return `| ${cells.join(' | ')} |`;
}

function techniqueOf({ attack }: Label): string {
  return attack === null ? '' : `${attack.technique} ${attack.techniqueName}`;
}

function story(label: Label): string {
  const times = label.notes.map(
    (note) =>
      `- ${offset(label, note.fromUs)} to ${offset(label, note.toUs)}: ${note.what} (${note.hosts.join(', ')})`,
  );
  return `\n## ${label.file}\n\nSeconds from the first packet.\n\n${[...times, ...onset(label)].join('\n')}\n`;
}

function onset(label: Label): string[] {
  const { attack } = label;
  if (attack === null) return [];
  const who = attack.attacker ?? 'forged sources';
  const span = `${offset(label, attack.firstPacketUs)} to ${offset(label, attack.lastPacketUs)}`;
  return [`- ${span}: ${attack.packets} packets from ${who} to ${attack.victims.join(', ')}`];
}

function offset(label: Label, timeUs: number): string {
  return ((timeUs - label.firstPacketUs) / 1e6).toFixed(1);
}
