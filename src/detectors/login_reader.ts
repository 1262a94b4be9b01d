import { EventField, EventType } from '../batch/generated/event_schema.js';
import type { EventRowView } from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import { mixToUint32 } from '../models/key_set.js';
import type { DetectorContext } from './detector.js';

const F = EventField;
const KERBEROS_PORT = 88;
/** SMB1 and SMB2; by their lengths most other commands need not be read. */
const SMB_SESSION_SETUPS: readonly string[] = [
  'SMB1_COMMAND_SESSION_SETUP_ANDX',
  'SMB2_COMMAND_SESSION_SETUP',
];
const SMB_FAILURES: ReadonlySet<string> = new Set([
  'STATUS_LOGON_FAILURE',
  'STATUS_WRONG_PASSWORD',
  'STATUS_NO_SUCH_USER',
  'STATUS_ACCOUNT_LOCKED_OUT',
  'STATUS_ACCOUNT_DISABLED',
]);
const KERBEROS_FAILURES: ReadonlySet<string> = new Set([
  'KDC_ERR_PREAUTH_FAILED',
  'KDC_ERR_C_PRINCIPAL_UNKNOWN',
  'KDC_ERR_CLIENT_REVOKED',
]);
const UNAUTHORIZED = 401;

/** [MS-NRPC]: the interface by which computers log in to their domain, and its calls that do so. */
const NETLOGON = '12345678-1234-abcd-ef00-01234567cffb';
const NETLOGON_AUTHENTICATE: readonly number[] = [5, 15, 26];

export const Login = { NONE: 0, FAILED: 1, WORKED: 2, TRIED: 3 } as const;
export type LoginOutcome = (typeof Login)[keyof typeof Login];

/** What a parser's event says about an attempt to log in. */
export class LoginReader {
  /** TRIED: the outcome is encrypted or not shown; a client whose login worked does not try again. */
  outcome: LoginOutcome = Login.NONE;
  protocol = '';
  /** Number for the name that was used, 0 when it is not known. */
  user = 0;
  isClientSender = true;
  readonly #fields = new TlvReader();
  readonly #inner = new TlvReader();
  #context!: DetectorContext;

  read(event: EventRowView, context: DetectorContext): void {
    this.outcome = Login.NONE;
    this.user = 0;
    this.isClientSender = true;
    this.#context = context;
    READERS.get(event.type)?.(this, event);
  }

  /** The value of a field, or of one inside of it; '' when it is not there. */
  text(field: number, inner = 0, innermost = 0): string {
    return this.#find(field, inner, innermost)?.text() ?? '';
  }

  /** Bytes of a field; -1 when it is not there. */
  length(field: number): number {
    return this.#find(field, 0, 0)?.length ?? -1;
  }

  /** -1 when it is not there. */
  unsigned(field: number, inner = 0): number {
    return this.#find(field, inner, 0)?.unsigned() ?? -1;
  }

  say(protocol: string, hasFailed: boolean, user: string): void {
    this.protocol = protocol;
    this.outcome = hasFailed ? Login.FAILED : Login.WORKED;
    this.user = user === '' ? 0 : hashOf(user);
  }

  #find(field: number, inner: number, innermost: number): TlvReader | null {
    const { bytes, bodyAt, bodyBytes } = this.#context;
    let reader = seek(this.#fields.open(bytes, bodyAt, bodyBytes), field);
    if (inner > 0 && reader !== null) reader = seek(this.#inner.enter(reader), inner);
    if (innermost > 0 && reader !== null) reader = seek(this.#fields.enter(reader), innermost);
    return reader;
  }
}

function seek(reader: TlvReader, field: number): TlvReader | null {
  while (reader.next()) if (reader.number === field) return reader;
  return null;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.toLowerCase().charCodeAt(i), 0x01000193);
  }
  return mixToUint32(hash >>> 0) + 1;
}

type Read = (login: LoginReader, event: EventRowView) => void;

const READERS: ReadonlyMap<number, Read> = new Map<number, Read>([
  [EventType.FTP, readFtp],
  [EventType.HTTP, readHttp],
  [EventType.IMAP, readImap],
  [EventType.KRB5, readKerberos],
  [EventType.LDAP, readLdap],
  [EventType.MYSQL, (login) => readFlag(login, 'MySQL', F.MYSQL)],
  [EventType.PGSQL, readPostgres],
  [EventType.POP3, readPop3],
  [EventType.RFB, readVnc],
  [EventType.SMB, readSmb],
  [EventType.TDS, (login) => readFlag(login, 'SQL Server', F.TDS)],
  [EventType.TELNET, (login) => readFlag(login, 'Telnet', F.TELNET)],
  [EventType.DCERPC, readNetlogon],
]);

/** Kinds of events that may say how a login came out. */
export const LOGIN_EVENTS: readonly number[] = [...READERS.keys()];

function readFlag(
  login: LoginReader,
  protocol: string,
  field: { readonly SUCCESS: number; readonly USER: number },
): void {
  const success = login.unsigned(field.SUCCESS);
  if (success >= 0) login.say(protocol, success === 0, login.text(field.USER));
}

/** The name comes with USER, the outcome with PASS (RFC 959). */
function readFtp(login: LoginReader): void {
  const command = login.text(F.FTP.COMMAND);
  if (command !== 'PASS') return;
  const code = login.text(F.FTP.COMPLETION_CODE);
  if (code === '530' || code === '230') login.say('FTP', code === '530', '');
}

function readHttp(login: LoginReader): void {
  const status = login.unsigned(F.HTTP.STATUS);
  if (status > 0) login.say('HTTP', status === UNAUTHORIZED, '');
}

function readImap(login: LoginReader): void {
  const command = login.text(F.IMAP.REQUEST_ID, F.IMAP.REQUEST.COMMAND);
  if (command !== 'LOGIN' && command !== 'AUTHENTICATE') return;
  const status = login.text(F.IMAP.RESPONSE_ID, F.IMAP.RESPONSE.STATUS);
  const user = login.text(F.IMAP.REQUEST_ID, F.IMAP.REQUEST.USER);
  if (status === 'OK' || status === 'NO') login.say('IMAP', status === 'NO', user);
}

/** A wrong password is error 0x18, a name that is not there 0x6 (RFC 4120, 7.5.9). */
function readKerberos(login: LoginReader, event: EventRowView): void {
  const error = login.text(F.KRB5.ERROR_CODE);
  const isFailure = KERBEROS_FAILURES.has(error);
  if (!isFailure && login.text(F.KRB5.MSG_TYPE) !== 'KRB_AS_REP') return;
  login.say('Kerberos', isFailure, login.text(F.KRB5.CNAME));
  login.isClientSender = event.srcPort !== KERBEROS_PORT;
}

/** A bind without a name is anonymous and always works. */
function readLdap(login: LoginReader): void {
  const { REQUEST, RESPONSES } = F.LDAP;
  if (login.text(F.LDAP.REQUEST_ID, REQUEST.OPERATION) !== 'bind_request') return;
  const bind = RESPONSES.BIND_RESPONSE_ID;
  const code = login.text(F.LDAP.RESPONSES_ID, bind, RESPONSES.BIND_RESPONSE.RESULT_CODE);
  const user = login.text(F.LDAP.REQUEST_ID, REQUEST.BIND_REQUEST_ID, REQUEST.BIND_REQUEST.NAME);
  if (user === '' || (code !== 'success' && code !== 'invalid_credentials')) return;
  login.say('LDAP', code !== 'success', user);
}

/** invalid_password 28P01, invalid_authorization_specification 28000 (PostgreSQL, appendix A). */
function readPostgres(login: LoginReader): void {
  const code = login.text(F.PGSQL.RESPONSE_ID, F.PGSQL.RESPONSE.CODE);
  const isFailure = code === '28P01' || code === '28000';
  const message = isFailure ? '' : login.text(F.PGSQL.RESPONSE_ID, F.PGSQL.RESPONSE.MESSAGE);
  if (isFailure || message === 'authentication_ok') login.say('PostgreSQL', isFailure, '');
}

function readPop3(login: LoginReader): void {
  const command = login.text(F.POP3.REQUEST_ID, F.POP3.REQUEST.COMMAND);
  if (command !== 'PASS' && command !== 'APOP' && command !== 'AUTH') return;
  const success = login.unsigned(F.POP3.RESPONSE_ID, F.POP3.RESPONSE.SUCCESS);
  if (success >= 0) login.say('POP3', success === 0, '');
}

function readVnc(login: LoginReader): void {
  const result = login.text(F.RFB.AUTHENTICATION_ID, F.RFB.AUTHENTICATION.SECURITY_RESULT);
  if (result !== '') login.say('VNC', result !== 'OK', '');
}

function readSmb(login: LoginReader): void {
  const length = login.length(F.SMB.COMMAND);
  if (!SMB_SESSION_SETUPS.some((command) => command.length === length)) return;
  if (!SMB_SESSION_SETUPS.includes(login.text(F.SMB.COMMAND))) return;
  const status = login.text(F.SMB.STATUS);
  const isFailure = SMB_FAILURES.has(status);
  if (!isFailure && status !== 'STATUS_SUCCESS') return;
  login.say('SMB', isFailure, login.text(F.SMB.NTLMSSP_ID, F.SMB.NTLMSSP.USER));
}

function readNetlogon(login: LoginReader): void {
  if (!NETLOGON_AUTHENTICATE.includes(login.unsigned(F.DCERPC.REQ_ID, F.DCERPC.REQ.OPNUM))) return;
  if (login.text(F.DCERPC.INTERFACES_ID, F.DCERPC.INTERFACES.UUID) !== NETLOGON) return;
  login.protocol = 'Netlogon';
  login.outcome = Login.TRIED;
}
