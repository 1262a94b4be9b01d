import type { Vote } from '../domain/action_record.js';
import { ThymusError } from '../errors.js';

/** Of one action. */
const MOST_VOTES = 16;
const NAME = /^[^\p{C}]{1,64}$/u;

/** @throws ThymusError REFUSED for what cannot be the name of a person */
export function checkName(by: string): void {
  if (NAME.test(by) && by.trim() === by) return;
  throw new ThymusError('REFUSED', `'${by}' is no name of a person.`);
}

export function hasApproved(votes: readonly Vote[], by: string): boolean {
  return votes.some((vote) => isOf(vote, by) && vote.says === 'approve');
}

/** Each person has one vote, the last. */
export function votesWith(votes: readonly Vote[], vote: Vote): readonly Vote[] {
  return [...votes.filter((one) => !isOf(one, vote.by)), vote].slice(-MOST_VOTES);
}

const isOf = (vote: Vote, by: string): boolean => vote.by.toLowerCase() === by.toLowerCase();
