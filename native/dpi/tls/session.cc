#include "dpi/tls/session.h"

#include <algorithm>

#include "base/generated/anomaly_codes.h"
#include "dpi/name_hash.h"
#include "dpi/tls/certificate_names.h"
#include "dpi/tls/fingerprint.h"
#include "dpi/tls/versions.h"
#include "dpi/tls/x509.h"

namespace thymus::dpi::tls {
namespace {

namespace code = anomaly_code;

constexpr size_t kMaxChain = 32;

bool is_known_message(uint8_t type) { return type <= 26 || type == 67 || type == 254; }

}  // namespace

void Session::report(uint16_t anomaly) {
  const uint32_t bit = uint32_t{1} << (anomaly - code::kTlsInvalidSslv2Header);
  if ((state_.anomalies & bit) != 0) return;
  state_.anomalies |= bit;
  write_anomaly(anomaly, context_.events);
}

Answer Session::on_segment(Bytes data) {
  Direction& d = direction();
  if (d.is_lost && !find_record(data)) return Answer::kAccept;
  const Framing other = state_.directions[from_originator_ ? 1 : 0].framing;
  const bool may_be_sslv2 = other != Framing::kTls || state_.hello_version != 0;
  if (d.framing == Framing::kUnknown && may_be_sslv2 && (Reader(data).peek_u8() & 0x80) != 0) {
    d.framing = Framing::kSslv2;
  }
  const bool is_mine = d.framing == Framing::kSslv2 ? on_sslv2(data) : on_records(data);
  if (!is_mine) {
    write_event();
    return Answer::kReject;
  }
  if (d.framing == Framing::kUnknown && other == Framing::kUnknown) return Answer::kNeedMore;
  if (d.framing == Framing::kSslv2 && !state_.has_client_hello) return Answer::kNeedMore;
  const bool is_over = d.framing == Framing::kSslv2 || (state_.directions[0].has_application_data &&
                                                        state_.directions[1].has_application_data);
  return state_.is_written && is_over ? Answer::kDone : Answer::kAccept;
}

bool Session::on_records(Bytes data) {
  Direction& d = direction();
  Reader r(data);
  while (!r.empty() && !d.is_lost) {
    if (d.left > 0) {
      const Bytes fragment = r.take_up_to(d.left);
      d.left = static_cast<uint16_t>(d.left - fragment.size());
      if (!on_fragment(fragment)) return false;
      continue;
    }
    const Bytes more = r.take_up_to(kRecordHeaderBytes - d.header_bytes);
    std::copy(more.begin(), more.end(), d.header.begin() + d.header_bytes);
    d.header_bytes = static_cast<uint8_t>(d.header_bytes + more.size());
    if (d.header_bytes == kRecordHeaderBytes && !on_record_header()) return false;
  }
  return true;
}

// After a hole records are looked for at the starts of segments, where many of them begin.
bool Session::find_record(Bytes data) {
  const RecordHeader header = read_header(data);
  if (data.size() < kRecordHeaderBytes || !header.has_known_type() || !header.has_known_version() ||
      header.length == 0 || header.length > kMaxRecordBytes) {
    return false;
  }
  direction().is_lost = false;
  return true;
}

bool Session::on_record_header() {
  Direction& d = direction();
  const RecordHeader header = read_header(d.header);
  d.header_bytes = 0;
  if (!header.is_sound()) {
    if (d.framing != Framing::kUnknown) {
      report(!header.has_known_type()      ? code::kTlsInvalidRecordType
             : !header.has_known_version() ? code::kTlsInvalidRecordVersion
                                           : code::kTlsInvalidRecordLength);
      return false;
    }
    // Its start was not captured when the other direction is TLS.
    d.is_lost = state_.has_client_hello || state_.has_server_hello;
    return d.is_lost;
  }
  d.framing = Framing::kTls;
  d.type = header.type;
  d.record_bytes = d.left = header.length;
  d.lead_bytes = 0;
  if (header.type == record_type::kApplicationData) d.has_application_data = true;
  return true;
}

bool Session::on_fragment(Bytes fragment) {
  Direction& d = direction();
  if (d.type == record_type::kHandshake) return d.is_encrypted || on_handshake(fragment);
  const bool was_full = d.lead_bytes == d.lead.size();
  for (size_t i = 0; i < fragment.size() && d.lead_bytes < d.lead.size(); ++i) {
    d.lead[d.lead_bytes++] = fragment[i];
  }
  if (d.type == record_type::kHeartbeat && !was_full && d.lead_bytes == d.lead.size()) {
    on_heartbeat();
  }
  if (d.left > 0) return true;
  if (d.type == record_type::kChangeCipherSpec) on_cipher_change();
  if (d.type == record_type::kAlert && d.record_bytes == 2 && !d.is_encrypted) on_alert();
  return true;
}

bool Session::on_handshake(Bytes fragment) {
  Reader r(fragment);
  Direction& d = direction();
  const Bytes skipped = r.take_up_to(d.skip_bytes);
  d.skip_bytes = static_cast<uint32_t>(d.skip_bytes - skipped.size());
  if (r.empty()) return true;
  return take_messages(&context_, buffer(), r.rest(),
                       [this](Bytes all) { return take_message(all); });
}

size_t Session::take_message(Bytes all) {
  Direction& d = direction();
  if (d.is_encrypted) return all.size();
  Reader r(all);
  const uint8_t type = r.u8();
  const size_t length = r.be24();
  if (!r.ok()) return 0;
  if (!is_known_message(type)) {
    if (state_.has_client_hello || state_.has_server_hello) {
      report(code::kTlsInvalidHandshakeMessage);
    }
    d.is_encrypted = true;
    return all.size();
  }
  const bool is_needed = type == handshake_type::kClientHello ||
                         type == handshake_type::kServerHello ||
                         type == handshake_type::kCertificate;
  if (is_needed && length > kMaxMessageBytes) report(code::kTlsHandshakeInvalidLength);
  if (!is_needed || length > kMaxMessageBytes) {
    on_message(type, {});
    const size_t here = r.take_up_to(length).size();
    d.skip_bytes = static_cast<uint32_t>(length - here);
    return kMessageHeaderBytes + here;
  }
  const Bytes body = r.take(length);
  if (!r.ok()) return 0;
  on_message(type, body);
  return kMessageHeaderBytes + length;
}

void Session::on_message(uint8_t type, Bytes body) {
  if (state_.is_written) return;
  switch (type) {
    case handshake_type::kClientHello:
      on_client_hello(body);
      break;
    case handshake_type::kServerHello:
      on_server_hello(body);
      break;
    case handshake_type::kCertificate:
      on_certificate(body);
      break;
    case handshake_type::kCertificateRequest:
      state_.is_certificate_requested = true;
      break;
    case handshake_type::kServerHelloDone:
      if (!state_.is_certificate_requested) write_event();
      break;
    case handshake_type::kClientKeyExchange:
      write_event();
      break;
    default:
      break;
  }
}

// The first one counts: after a HelloRetryRequest the client repeats it with another key share.
void Session::on_client_hello(Bytes body) {
  if (state_.has_client_hello) return;
  ClientHello hello;
  if (!read_client_hello(body, false, &hello)) {
    report(code::kTlsInvalidHandshakeMessage);
    return;
  }
  state_.has_client_hello = context_.buffers->append(kHelloBuffer, body);
  state_.client_is_responder = !from_originator_;
  if (hello.has_several_server_names) report(code::kTlsMultipleSniExtensions);
  if (hello.has_bad_server_name_type) report(code::kTlsInvalidSniType);
  if (hello.has_bad_server_name_length) report(code::kTlsInvalidSniLength);
  if (hello.has_bad_extensions) report(code::kTlsInvalidHandshakeMessage);
  Ja4 ja4;
  if (make_ja4(hello, Ja4Transport::kTcp, &ja4)) context_.facts.client_fingerprint = ja4.hash();
  context_.facts.name_hash = name_hash(as_text(hello.server_name));
}

void Session::on_server_hello(Bytes body) {
  ServerHello hello;
  if (!read_server_hello(body, &hello)) {
    report(code::kTlsInvalidHandshakeMessage);
    return;
  }
  if (!state_.has_client_hello) state_.client_is_responder = from_originator_;
  if (hello.is_retry_request) return;
  state_.has_server_hello = true;
  state_.server_version = hello.version;
  state_.cipher_suite = hello.cipher_suite;
  take_version(hello.selected);
  state_.n_extensions = 0;
  each_extension(hello.extensions, [this](uint16_t type, Bytes) {
    if (state_.n_extensions < kMaxServerExtensions) {
      state_.extensions[state_.n_extensions++] = type;
    }
  });
  state_.alpn_bytes = static_cast<uint8_t>(hello.alpn.size());
  std::ranges::copy(hello.alpn, state_.alpn.begin());
  if (is_tls13()) {
    state_.is_resumed = hello.has_pre_shared_key;
    write_event();
  }
}

void Session::take_version(uint16_t version) {
  state_.version = version;
  context_.facts.tls_version = version_fact(version);
}

// RFC 5246, 7.4.2: length (24) of a list of { length (24), certificate }, the owner's first.
void Session::on_certificate(Bytes body) {
  Reader r(body);
  Reader list = r.sub(r.be24());
  const Bytes first = list.take(list.be24());
  look_at_names(first);
  size_t n = 1;
  for (; !list.empty() && n < kMaxChain; ++n) look_at_names(list.take(list.be24()));
  if (from_client()) {
    if (state_.has_server_hello) write_event(first);
    return;
  }
  if (first.empty()) {
    if (!body.empty()) report(code::kTlsInvalidCertificate);
    return;
  }
  state_.n_certificates = static_cast<uint8_t>(n);
  Certificate certificate;
  if (!read_certificate(first, &certificate)) report(code::kTlsInvalidCertificate);
  context_.buffers->clear(kCertificateBuffer);
  state_.has_certificate = context_.buffers->append(kCertificateBuffer, first);
}

void Session::look_at_names(Bytes certificate) {
  if (state_.has_overlong_name || !has_overlong_punycode(certificate)) return;
  state_.has_overlong_name = true;
  write_anomaly(code::kTlsOverlongPunycode, context_.events);
}

// In TLS 1.3 it means nothing (RFC 8446, 5).
void Session::on_cipher_change() {
  if (is_tls13()) return;
  direction().is_encrypted = true;
  if (!has_something_to_write() || !state_.has_server_hello) return;
  if (!from_client()) state_.is_resumed = !state_.has_certificate;
  write_event();
}

void Session::on_alert() {
  constexpr uint8_t kFatal = 2;
  const Direction& d = direction();
  if (d.lead[0] != kFatal || state_.has_alert) return;
  state_.has_alert = true;
  state_.alert = d.lead[1];
  if (has_something_to_write()) write_event();
}

// RFC 6520: type (8) | payload length (16) | payload | padding of at least 16 bytes.
void Session::on_heartbeat() {
  constexpr uint8_t kRequest = 1;
  constexpr uint8_t kResponse = 2;
  // Of a connection that was not seen from its start nobody knows whether it is encrypted.
  if (!state_.has_client_hello && !state_.has_server_hello) return;
  Direction& d = direction();
  Direction& other = state_.directions[from_originator_ ? 1 : 0];
  if (d.is_encrypted || other.is_encrypted || d.has_application_data) {
    if (other.asked_bytes == 0) {
      d.asked_bytes = d.record_bytes;
      return;
    }
    // The first after the other side's is its answer. Padding may differ a little; what is read of
    // foreign memory may not.
    if (d.record_bytes > other.asked_bytes + 255) report(code::kTlsDataleakHeartbeatMismatch);
    other.asked_bytes = 0;
    return;
  }
  report(code::kTlsHeartbeatMessage);
  const size_t payload_bytes = load_be16(d.lead.data() + 1);
  if (d.lead[0] != kRequest && d.lead[0] != kResponse) {
    report(code::kTlsInvalidHeartbeatMessage);
  } else if (3 + payload_bytes > d.record_bytes) {
    report(code::kTlsOverflowHeartbeatMessage);
  }
}

bool Session::on_sslv2(Bytes data) {
  bool is_mine = true;
  const bool kept = take_messages(&context_, buffer(), data, [&](Bytes all) -> size_t {
    const size_t n = take_sslv2(all);
    is_mine = is_mine && n != SIZE_MAX;
    return is_mine ? n : 0;
  });
  return kept && is_mine;
}

// As take_message; SIZE_MAX when it is none.
size_t Session::take_sslv2(Bytes all) {
  constexpr size_t kMaxHelloBytes = 4096;
  uint8_t type = 0;
  size_t length = 0;
  if (state_.is_written) return all.size();
  if (all.size() < 3) return 0;
  if (!read_sslv2(all, &type, &length)) return SIZE_MAX;
  if (type == sslv2_type::kClientHello) {
    if (all.size() < 11) return 0;
    if (!is_sslv2_client_hello(all)) return SIZE_MAX;
    if (all.size() < 2 + length) return 0;
    Reader r(all);
    r.skip(3);
    state_.hello_version = r.be16();
    state_.has_client_hello = true;
    state_.client_is_responder = !from_originator_;
    // A server that knows better answers in records; the client then goes on with them.
    direction().framing = Framing::kTls;
    return all.size() > 2 + length ? SIZE_MAX : 2 + length;
  }
  if (!state_.has_client_hello) return SIZE_MAX;
  if (type == sslv2_type::kServerHello && length <= kMaxHelloBytes) {
    if (all.size() < 2 + length) return 0;
    Reader r(all);
    r.skip(5);
    take_version(r.be16());
    const size_t certificate_bytes = r.be16();
    r.skip(4);
    const Bytes certificate = r.take(certificate_bytes);
    state_.has_server_hello = true;
    if (r.ok() && !certificate.empty()) {
      state_.has_certificate = context_.buffers->append(kCertificateBuffer, certificate);
      state_.n_certificates = 1;
    }
    write_event();
    return 2 + length;
  }
  report(type == sslv2_type::kError ? code::kTlsErrorMessageEncountered
                                    : code::kTlsInvalidSslv2Header);
  write_event();
  return all.size();
}

}  // namespace thymus::dpi::tls
