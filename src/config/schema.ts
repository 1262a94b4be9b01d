import { z } from 'zod';
import { AUTONOMY_MODES } from '../domain/action.js';
import type { Zone } from '../domain/decision.js';
import { isPrefix } from '../domain/prefix.js';
import { SETTINGS, type Setting } from './settings.js';

/** The zod schema of one setting. Its messages complete the sentence "'lanes' ...". */
function schemaOf(row: Setting): z.ZodType {
  switch (row.kind) {
    case 'integer':
    case 'number':
      return numberSchema(row);
    case 'choice': {
      const choices = row.choices ?? [];
      const message = `must be one of ${choices.join(', ')}`;
      return z.enum(choices as [string, ...string[]], { error: message });
    }
    case 'prefixes':
      return prefixesSchema(row.fallback);
    case 'hosts':
      return hostsSchema();
    case 'zones':
      return zonesSchema();
    case 'cpus':
      return cpusSchema();
    case 'path':
      return z.string('must be a path').min(1, 'must be a path that is not empty');
    case 'place':
      return placeSchema();
    case 'api-place':
      return apiPlaceSchema();
  }
}

function numberSchema(row: Setting): z.ZodType {
  const [least, most] = row.range ?? [0, Number.MAX_SAFE_INTEGER];
  const what = row.kind === 'integer' ? 'a whole number' : 'a number';
  const message = `must be ${what} from ${least} to ${most}`;
  const base = row.kind === 'integer' ? z.int(message) : z.number(message);
  const number = base.min(least, message).max(most, message);
  return z.preprocess((raw) => (isNumeral(raw) ? Number(raw) : raw), number);
}

const isNumeral = (raw: unknown): raw is string =>
  typeof raw === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(raw.trim());

const split = (raw: unknown): unknown =>
  typeof raw === 'string' ? raw.split(',').map((part) => part.trim()) : raw;

function cpusSchema(): z.ZodType {
  const message = 'must be numbers of CPUs such as 0,2';
  const texts = (raw: unknown): unknown => split(typeof raw === 'number' ? String(raw) : raw);
  const cpu = z.preprocess((raw) => (isNumeral(raw) ? Number(raw) : raw), z.int(message).min(0));
  return z.preprocess(texts, z.array(cpu, message));
}

/** As `{ host, port }`; an IPv6 address stands in brackets. */
function placeSchema(): z.ZodType {
  const message = 'must be an address and a port such as 127.0.0.1:9464';
  return z.string(message).transform((text, context) => {
    const place = placeOf(text);
    if (place !== null) return place;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

function apiPlaceSchema(): z.ZodType {
  const message = "must be 'unix', unix:PATH, or an address and a port such as 192.0.2.1:9465";
  return z.string(message).transform((text, context) => {
    if (text === 'unix') return { path: null };
    const path = /^unix:(.+)$/.exec(text)?.[1];
    const place = path === undefined ? placeOf(text) : { path };
    if (place !== null) return place;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** @param text ADDRESS:PORT, where an IPv6 address stands in brackets; null: it is none */
export function placeOf(text: string): { host: string; port: number } | null {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) return null;
  return { host, port: Number(port) };
}

/** An empty list is one where it is the default. */
function prefixesSchema(fallback: Setting['fallback']): z.ZodType {
  const message = 'must be address prefixes such as 10.0.0.0/8 or fc00::/7';
  const prefix = z.string(message).refine(isPrefix, message);
  const least = Array.isArray(fallback) && fallback.length === 0 ? 0 : 1;
  return z.preprocess(split, z.array(prefix, message).min(least, message));
}

function hostsSchema(): z.ZodType {
  const message = 'must be address prefixes or domain names such as 10.0.0.1 or example.org';
  const host = z.string(message).refine((text) => isPrefix(text) || isDomain(text), message);
  return z.preprocess(split, z.array(host, message));
}

/** At least one dot and a top level with a letter, so that a mistyped address is none. */
const isDomain = (text: string): boolean =>
  text.length < 254 && /^([a-z0-9_-]{1,63}\.)+[a-z0-9-]*[a-z][a-z0-9-]*\.?$/i.test(text);

/** As `{ where, mode }`. */
function zonesSchema(): z.ZodType {
  const message = `must be zones with modes such as 10.1.0.0/16=guarded or slice:7=observe`;
  const zone = z.string(message).transform((text, context): Zone => {
    const [where = '', mode, ...rest] = text.split('=');
    const isWhere = isPrefix(where) || /^slice:\d{1,5}$/.test(where);
    const known = AUTONOMY_MODES.find((one) => one === mode);
    if (isWhere && known !== undefined && rest.length === 0) return { where, mode: known };
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
  return z.preprocess(split, z.array(zone, message));
}

/** Checks one source of settings; a key that is no setting is refused. */
export const SETTINGS_SCHEMA = z.strictObject(
  Object.fromEntries(SETTINGS.map((row) => [row.name, schemaOf(row).optional()])),
);
