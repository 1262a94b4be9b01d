import type { EntityRef } from './entity.js';
import type { Stage } from './evidence.js';

/** What it costs to let an attack of this stage go on. */
export const STAGE_WEIGHT: Readonly<Record<Stage, number>> = {
  recon: 0.2,
  initial: 0.4,
  c2: 0.6,
  cred: 0.5,
  lateral: 0.7,
  collect: 0.7,
  exfil: 0.9,
  impact: 0.8,
};

/** What an entity is worth to its operator until somebody says otherwise. */
export const ASSET_VALUE: Readonly<Record<EntityRef['kind'], number>> = {
  device: 1,
  service: 1,
  segment: 1.2,
  external: 0.6,
};
