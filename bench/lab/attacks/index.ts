import { BEACONS } from './beacons.js';
import { EXFILTRATION } from './exfiltration.js';
import { FLOODS } from './floods.js';
import { GUESSING } from './guessing.js';
import { LINK_LAYER } from './link_layer.js';
import { MINING } from './mining.js';
import { SCANS } from './scans.js';
import type { SetAttack } from './set_attack.js';
import { SLOW_HTTP } from './slow_http.js';
import { SPREADING } from './spreading.js';
import { TUNNELS } from './tunnels.js';
import { WEB_SURVEY } from './web_survey.js';

/** All attacks of the data set. */
export const ATTACKS: readonly SetAttack[] = [
  ...SCANS,
  ...GUESSING,
  ...FLOODS,
  ...SLOW_HTTP,
  ...EXFILTRATION,
  ...BEACONS,
  ...TUNNELS,
  ...LINK_LAYER,
  ...SPREADING,
  ...MINING,
  ...WEB_SURVEY,
];

/** @returns undefined where there is none of that name */
export function attackNamed(name: string): SetAttack | undefined {
  return ATTACKS.find((attack) => attack.name === name);
}
