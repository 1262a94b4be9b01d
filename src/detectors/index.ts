import { createBruteForceDetector } from './brute_force.js';
import type { Detector } from './detector.js';
import { createFloodDetector } from './flood.js';
import { createNewEdgeDetector } from './new_edge.js';
import { createScanDetector } from './scan.js';

/** All detectors in the order in which they see a record. `firstSlot` and on hold their state. */
export function createDetectors(firstSlot: number): readonly Detector[] {
  return [
    createScanDetector(firstSlot),
    createBruteForceDetector(firstSlot + 1),
    createFloodDetector(firstSlot + 2),
    createNewEdgeDetector(firstSlot + 3),
  ];
}
