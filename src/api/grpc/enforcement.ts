import { thymus } from '../gen/enforcement.js';
import { descriptorFile } from './descriptors.js';
import { definitionOf, type Definition } from './service_definition.js';

/* What both sides of thymus.v1.Enforcement have to agree on. */

/** Raised when the meaning of a field changes. */
export const ENFORCEMENT_VERSION = 1;

/** Of one request. */
export const MOST_ORDERS = 8192;
export const MOST_ORDERS_BYTES = 4 * 1024 * 1024;

export const ENFORCEMENT_FILE = descriptorFile('enforcement');
export const ENFORCEMENT_SERVICE: Definition = definitionOf(
  ENFORCEMENT_FILE.services[0]!,
  thymus.v1,
);
