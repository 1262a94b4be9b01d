import type { ResponsePolicy } from '../domain/decision.js';
import type { Settings } from './settings.js';

/** What the settings allow to be done about incidents. */
export function responsePolicyOf(settings: Settings): ResponsePolicy {
  return {
    mode: settings.respond,
    zones: settings.respondZones,
    protectedHosts: settings.respondProtected,
    alwaysAllow: settings.respondAllow,
    gates: {
      confidenceLeast: settings.respondConfidence,
      impactMost: settings.respondImpact,
      fleetShareMost: settings.respondFleet,
      deviceShareMost: settings.respondDevices,
      historySecondsLeast: settings.respondHistory,
    },
    approvalsForHighImpact: settings.respondApprovals,
    deadlineSeconds: settings.respondDeadline,
    onDeadline: settings.respondDefault,
  };
}
