import { EventField } from '../batch/generated/event_schema.js';
import { TlvReader } from '../batch/tlv.js';
import type { DetectorContext } from './detector.js';

const TLS = EventField.TLS;

/**
 * Names that kits for remote control give to their servers when nobody gives another, in lower case,
 * as analyses of them tell.
 */
const KIT_NAMES: readonly string[] = [
  'asyncrat server',
  'bitrat',
  'boratrat',
  'boratrat server',
  'dcrat',
  'dcrat server',
  'major cobalt strike',
  'orcus server',
  'p18055077',
  'quasar server ca',
  'venomrat',
  'venomrat server',
];

/** The form that AsyncRAT, Quasar and what was made of them share. */
const KIT_FORM = KIT_NAMES.length + 1;
const LATEST_DATE = '9999-12-31T23:59:59';
const SERVER_NAME = / Server( CA)?$/;

/** Reads the certificate in a `tls` event (native/emit/events/). */
export class CertificateReader {
  /** The common name of its subject, or of its issuer where that says more. */
  name = '';
  readonly #fields = new TlvReader();

  /** A number for the kit that makes such certificates, 0 for any other certificate or none. */
  kitOf({ bytes, bodyAt, bodyBytes }: DetectorContext): number {
    const fields = this.#fields.open(bytes, bodyAt, bodyBytes);
    let subject = '';
    let issuer = '';
    let until = '';
    let hasName = false;
    while (fields.next()) {
      if (fields.number === TLS.SUBJECT) subject = fields.text();
      else if (fields.number === TLS.ISSUERDN) issuer = fields.text();
      else if (fields.number === TLS.NOTAFTER) until = fields.text();
      else if (fields.number === TLS.SNI) hasName = true;
    }
    if (subject === '') return 0;
    for (const distinguished of [subject, issuer]) {
      this.name = commonNameOf(distinguished);
      const kit = KIT_NAMES.indexOf(this.name.toLowerCase()) + 1;
      if (kit > 0) return kit;
    }
    const isKitForm = subject === issuer && subject === `CN=${this.name}` && !hasName;
    return isKitForm && until === LATEST_DATE && SERVER_NAME.test(this.name) ? KIT_FORM : 0;
  }
}

function commonNameOf(distinguished: string): string {
  return /(?:^|, )CN=([^,]*)/.exec(distinguished)?.[1] ?? '';
}
