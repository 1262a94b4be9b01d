import { isIpv4 } from '../batch/address.js';
import { FlowRoles, FlowRowOffset, type FlowRowView } from '../batch/generated/record_layout.js';
import { pairKey } from '../models/key_set.js';

/** What a device talks to: a destination and its port. */
export function edgeKey(row: FlowRowView): number {
  return pairKey(destinationKey(row), row.protocol * 0x10000 + row.respPort);
}

/** A device by itself; an external destination by its name, else by its network. */
export function destinationKey(row: FlowRowView): number {
  if (row.roles & FlowRoles.RESPONDER_INTERNAL) return row.respKey;
  const low = row.nameHash(0);
  const high = row.nameHash(1);
  if (low !== 0 || high !== 0) return pairKey(low, high);
  const { u32, u8, at } = row;
  const word = (at + FlowRowOffset.respAddr) >> 2;
  if (isIpv4(u8, at + FlowRowOffset.respAddr)) return pairKey(4, u32[word + 3]! & 0xffffff);
  return pairKey(u32[word]!, u32[word + 1]! & 0xffff);
}
