import type { Actuator } from './actuator.js';
import { Nftables } from './nftables.js';
import type { ActuatorSettings, OneActuator } from './settings.js';

/** The actuators of the settings, in their order. Nothing is started or changed yet. */
export function openActuators(settings: ActuatorSettings): readonly Actuator[] {
  return settings.map(open);
}

function open(one: OneActuator): Actuator {
  switch (one.kind) {
    case 'nftables':
      return new Nftables({ command: one.program, hook: { at: one.at, devices: one.devices } });
  }
}
