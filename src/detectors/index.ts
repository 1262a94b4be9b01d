import { createBeaconDetector } from './beacon.js';
import { createBindingDetector } from './binding.js';
import { createBruteForceDetector } from './brute_force.js';
import { createCommandChannelDetector } from './command_channel.js';
import { createDgaDetector } from './dga.js';
import { createDnsTunnelDetector } from './dns_tunnel.js';
import { createExfiltrationDetector } from './exfiltration.js';
import { createExploitDetector } from './exploit.js';
import { createFingerprintDetector } from './fingerprint.js';
import { createFloodDetector } from './flood.js';
import { createLateralDetector } from './lateral.js';
import { createMiningDetector } from './mining.js';
import { createNewEdgeDetector } from './new_edge.js';
import { createNoveltyDetector } from './novelty.js';
import { createOddTunnelDetector } from './odd_tunnel.js';
import { createProfileDetector } from './profile.js';
import { createScanDetector } from './scan.js';
import { createSlowRequestsDetector } from './slow_requests.js';
import { createSurveyDetector } from './survey.js';
import { createWormDetector } from './worm.js';
import type { Detector } from './detector.js';

/** The kinds of events that detectors want, by the way they go; the core writes no others. */
export interface JudgedEvents {
  readonly eventsOfEnds: readonly number[];
  readonly eventsOfLinks: readonly number[];
}

export function judgedEvents(): JudgedEvents {
  const detectors = createDetectors(0);
  const ofLinks = new Set(detectors.flatMap((detector) => detector.eventsOfLinks ?? []));
  const ofEnds = new Set(detectors.flatMap((detector) => detector.eventsOfEnds ?? []));
  return {
    eventsOfEnds: [...ofEnds].filter((kind) => !ofLinks.has(kind)),
    eventsOfLinks: [...ofLinks],
  };
}

/** All detectors in the order in which they see a record. `firstSlot` and on hold their state. */
export function createDetectors(firstSlot: number): readonly Detector[] {
  return [
    createScanDetector,
    createBruteForceDetector,
    createFloodDetector,
    createNewEdgeDetector,
    createDnsTunnelDetector,
    createDgaDetector,
    createBindingDetector,
    createWormDetector,
    createLateralDetector,
    createOddTunnelDetector,
    createBeaconDetector,
    createExfiltrationDetector,
    createNoveltyDetector,
    createMiningDetector,
    createFingerprintDetector,
    createSurveyDetector,
    createProfileDetector,
    createCommandChannelDetector,
    createExploitDetector,
    createSlowRequestsDetector,
  ].map((create, i) => create(firstSlot + i));
}
