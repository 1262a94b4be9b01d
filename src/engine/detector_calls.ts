import type { Detector } from '../detectors/detector.js';

type Method = 'onFlow' | 'onFlowTo' | 'onEvent';

/**
 * Detectors and what to call of each, looked up once: at one place that meets objects of 20 classes, a
 * look-up is slow.
 */
export interface Calls<M extends Method> {
  readonly detectors: readonly Detector[];
  readonly calls: readonly NonNullable<Detector[M]>[];
}

/** Of those that have the method. */
export function callsOf<M extends Method>(all: readonly Detector[], method: M): Calls<M> {
  const detectors = all.filter((detector) => detector[method] !== undefined);
  return { detectors, calls: detectors.map((detector) => detector[method]!) };
}

/** Who wants events of a kind. */
export function byEventType(detectors: readonly Detector[]): ReadonlyMap<number, Calls<'onEvent'>> {
  const wants = (detector: Detector): readonly number[] => [
    ...(detector.eventsOfEnds ?? []),
    ...(detector.eventsOfLinks ?? []),
  ];
  const types = new Set(detectors.flatMap(wants));
  return new Map(
    [...types].map((type) => {
      const wanted = detectors.filter((detector) => wants(detector).includes(type));
      return [type, callsOf(wanted, 'onEvent')];
    }),
  );
}
