/** Names of decode/packet_view.h Encap by number: the innermost tunnel of a flow. */
const ENCAP_NAMES: readonly string[] = [
  'none',
  'gtpu',
  'vxlan',
  'gre',
  'ipip',
  'mpls',
  'geneve',
  'teredo',
  'erspan',
  'l2tp',
  'pppoe',
  'ah',
  '6in4',
  '4in6',
  'nvgre',
  'capwap',
  'other',
];

export function encapName(type: number): string {
  return ENCAP_NAMES[type] ?? 'other';
}
