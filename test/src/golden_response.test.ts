import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './support/project.js';
import { eveEvents, thymus } from './support/thymus.js';

/**
 * What would have been done about each bundled capture, as test/golden/response says.
 * UPDATE_GOLDEN=1 writes the files anew.
 */

const CAPTURES = join(PROJECT, 'pcaps');
const GOLDEN = join(PROJECT, 'test/golden/response');

interface Proposal {
  readonly id: string;
  readonly words: string;
  readonly unattended: boolean;
  readonly approvals_needed: number;
  readonly expected_loss: number;
  readonly impact: { readonly bytes_share: number; readonly history_s: number };
  readonly gates: readonly { readonly name: string; readonly passed: boolean }[];
  readonly alternatives: readonly { readonly words: string }[];
}

function golden(eve: string): string {
  const found = eveEvents(eve).filter((event) => event['event_type'] === 'incident');
  const blocks = found.map((event) => {
    const { summary, proposals } = event['incident'] as {
      readonly summary: string;
      readonly proposals: readonly Proposal[];
    };
    return [summary, ...proposals.map(proposalText)].join('\n');
  });
  return `${blocks.length === 0 ? 'no incident' : blocks.join('\n')}\n`;
}

function proposalText(proposal: Proposal): string {
  const { id, words, unattended, impact, gates, alternatives } = proposal;
  const failed = gates.filter(({ passed }) => !passed).map(({ name }) => name);
  const who = unattended ? 'at once' : `by ${proposal.approvals_needed}, for ${failed.join(' ')}`;
  return [
    `${id} ${words}`,
    `  ${who}; J ${proposal.expected_loss}`,
    `  takes ${impact.bytes_share} of bytes, known from ${impact.history_s} s`,
    ...alternatives.map((each) => `  or ${each.words}`),
  ].join('\n');
}

describe('golden answers', function () {
  this.timeout(120_000);

  const answer = async (name: string, ...more: readonly string[]): Promise<string> => {
    const args = ['replay', '--no-store', '--quiet', '--respond=auto', '--eve', '-', ...more];
    const { code, out, err } = await thymus([...args, join(CAPTURES, name)]);
    assert.equal(code, 0, err);
    return out;
  };

  for (const name of readdirSync(CAPTURES).filter((file) => file.endsWith('.pcap.gz'))) {
    it(name, async () => {
      const path = join(GOLDEN, `${name}.txt`);
      const text = golden(await answer(name));
      if (process.env['UPDATE_GOLDEN']) {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(path, text);
      }
      assert.equal(text, readFileSync(path, 'utf8'));
    });
  }

  it('are the same for any number of lanes and shards', async () => {
    const name = 'ssh_guessing.pcap.gz';
    assert.equal(await answer(name, '--lanes', '3', '--shards', '2'), await answer(name));
  });

  it('are told in the report, too', async () => {
    const path = join(CAPTURES, 'ssh_guessing.pcap.gz');
    const { out } = await thymus(['replay', '--no-store', path, '--respond']);
    assert.match(out, /→ Block TCP port 22 from 203\.0\.113\.66 to 10\.20\.0\.22: it would take/);
    assert.match(out, /It waits for 1 person: the mode is recommend, which leaves it to a person/);
  });
});
