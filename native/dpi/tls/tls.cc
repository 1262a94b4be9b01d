// TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446), SSL 3.0 (RFC 6101) and the hellos of SSL 2.0.
//
//   record:     type (8) | version (16) | length (16) | fragment
//   handshake:  type (8) | length (24) | body        over one or more fragments
//
// The client's hello is kept in buffer 2 and the server's first certificate in buffer 3 until the
// handshake has shown all that the event says: at the server's HelloDone, with a requested
// certificate of the client at that, in TLS 1.3 at the ServerHello, behind which all is encrypted.
// Buffers 0 and 1 hold a message of the originator and of the responder that is not whole yet.
#include "base/generated/events/tls.h"

#include <algorithm>
#include <array>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/rdp.h"
#include "base/text_builder.h"
#include "dpi/name_hash.h"
#include "dpi/parser.h"
#include "dpi/tls/fingerprint.h"
#include "dpi/tls/hello.h"
#include "dpi/tls/versions.h"
#include "dpi/tls/x509.h"

namespace thymus::dpi::tls {
namespace {

namespace code = anomaly_code;
namespace field = event::tls;

constexpr int kHelloBuffer = 2;
constexpr int kCertificateBuffer = 3;

constexpr uint16_t kPorts[] = {443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 8443};
constexpr std::string_view kFirstBytes =
    "\x14\x15\x16\x17\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f";

constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
// 2^14 and what encryption and compression may add (RFC 5246, 6.2.3).
constexpr size_t kMaxRecordBytes = 16384 + 2048;
constexpr size_t kMaxMessageBytes = kMaxBufferBytes - kMessageHeaderBytes;
constexpr size_t kMaxServerExtensions = 48;
constexpr size_t kMaxChain = 32;

namespace record_type {
constexpr uint8_t kChangeCipherSpec = 20;
constexpr uint8_t kAlert = 21;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kApplicationData = 23;
constexpr uint8_t kHeartbeat = 24;
}  // namespace record_type

namespace sslv2_type {
constexpr uint8_t kError = 0;
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 4;
}  // namespace sslv2_type

struct RecordHeader {
  uint8_t type;
  uint16_t version;
  uint16_t length;

  bool has_known_type() const {
    return type >= record_type::kChangeCipherSpec && type <= record_type::kHeartbeat;
  }
  bool has_known_version() const {
    return (version >= 0x0300 && version <= kTls13) || is_draft(version);
  }
  bool is_sound() const {
    return has_known_type() && has_known_version() && length <= kMaxRecordBytes;
  }
};

RecordHeader read_header(Bytes bytes) {
  Reader r(bytes);
  RecordHeader header{};
  header.type = r.u8();
  header.version = r.be16();
  header.length = r.be16();
  return header;
}

bool is_known_message(uint8_t type) { return type <= 26 || type == 67 || type == 254; }

enum class Framing : uint8_t { kUnknown, kTls, kSslv2 };

struct Direction {
  std::array<uint8_t, kRecordHeaderBytes> header;
  uint8_t header_bytes;
  uint8_t type;
  Framing framing;
  bool is_encrypted;  // after ChangeCipherSpec, or where messages make no sense
  bool has_application_data;
  bool is_lost;  // after a hole: where the next record begins is not known
  uint16_t record_bytes;
  uint16_t left;  // of the record
  std::array<uint8_t, 3> lead;
  uint8_t lead_bytes;
  uint32_t skip_bytes;  // of a handshake message that nobody needs
};

struct State {
  Direction directions[2];
  bool client_is_responder;
  bool has_client_hello;
  bool has_server_hello;
  bool has_certificate;
  bool is_certificate_requested;
  bool is_resumed;
  bool has_alert;
  bool is_written;
  uint8_t alert;
  uint8_t n_certificates;
  uint8_t alpn_bytes;
  uint8_t n_extensions;
  uint16_t version;         // that is spoken
  uint16_t hello_version;   // of an SSL 2.0 hello, which is not kept
  uint16_t server_version;  // legacy_version of the ServerHello
  uint16_t cipher_suite;
  uint16_t heartbeat_bytes;
  AppId from;
  uint32_t anomalies;  // bit n: kTlsInvalidSslv2Header + n was reported
  std::array<uint8_t, 255> alpn;
  std::array<uint16_t, kMaxServerExtensions> extensions;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

constexpr CertificateFields kServerFields{
    field::kSubject,     field::kIssuerdn,  field::kSubjectaltname, field::kSerial,
    field::kFingerprint, field::kNotbefore, field::kNotafter};
constexpr CertificateFields kClientFields{
    field::client::kSubject, field::client::kIssuerdn,    0,
    field::client::kSerial,  field::client::kFingerprint, field::client::kNotbefore,
    field::client::kNotafter};

// ---- SSL 2.0: length (15, after a 1) | type (8) | body

bool read_sslv2(Bytes bytes, uint8_t* type, size_t* length) {
  Reader r(bytes);
  const uint16_t head = r.be16();
  *type = r.u8();
  *length = head & 0x7fff;
  return r.ok() && (head & 0x8000) != 0 && *length >= 3;
}

// The lengths of a CLIENT-HELLO must add up: 16 bits that start with a 1 are not much of a sign.
bool is_sslv2_client_hello(Bytes bytes) {
  Reader r(bytes);
  const size_t length = r.be16() & 0x7fff;
  const uint8_t type = r.u8();
  const uint16_t version = r.be16();
  const size_t cipher_bytes = r.be16();
  const size_t session_bytes = r.be16();
  const size_t challenge_bytes = r.be16();
  return r.ok() && (bytes.front() & 0x80) != 0 && type == sslv2_type::kClientHello &&
         (version == kSsl2 || (version >= 0x0300 && version <= 0x0303)) && cipher_bytes >= 3 &&
         cipher_bytes % 3 == 0 && (session_bytes == 0 || session_bytes == 16) &&
         challenge_bytes >= 16 && challenge_bytes <= 32 &&
         length == 9 + cipher_bytes + session_bytes + challenge_bytes;
}

// ---- The flow

class Session {
 public:
  Session(State* state, bool from_originator, Context* context)
      : state_(*state), from_originator_(from_originator), context_(*context) {}

  Answer on_segment(Bytes data);
  void write_event(Bytes client_certificate = {});
  void write_rdp_step(Bytes serial);
  bool has_something_to_write() const {
    return !state_.is_written && (state_.has_client_hello || state_.has_server_hello);
  }

 private:
  Direction& direction() { return state_.directions[from_originator_ ? 0 : 1]; }
  int buffer() const { return from_originator_ ? 0 : 1; }
  bool from_client() const { return from_originator_ != state_.client_is_responder; }
  bool is_tls13() const { return state_.version == kTls13 || is_draft(state_.version); }

  bool find_record(Bytes data);
  bool on_records(Bytes data);
  bool on_record_header();
  bool on_fragment(Bytes fragment);
  bool on_handshake(Bytes fragment);
  size_t take_message(Bytes all);
  void on_message(uint8_t type, Bytes body);
  void on_client_hello(Bytes body);
  void on_server_hello(Bytes body);
  void on_certificate(Bytes body);
  void on_cipher_change();
  void on_alert();
  void on_heartbeat();
  bool on_sslv2(Bytes data);
  size_t take_sslv2(Bytes all);
  void take_version(uint16_t version);
  void report(uint16_t anomaly);
  void write_hello(const ClientHello& hello);
  void write_server(EventWriter* events) const;

  State& state_;
  bool from_originator_;
  Context& context_;
};

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
  if (from_client()) {
    if (state_.has_server_hello) write_event(first);
    return;
  }
  if (!list.ok() || first.empty()) {
    if (!body.empty()) report(code::kTlsInvalidCertificate);
    return;
  }
  size_t n = 1;
  for (; !list.empty() && n < kMaxChain; ++n) list.skip(list.be24());
  state_.n_certificates = static_cast<uint8_t>(n);
  Certificate certificate;
  if (!read_certificate(first, &certificate)) report(code::kTlsInvalidCertificate);
  context_.buffers->clear(kCertificateBuffer);
  state_.has_certificate = context_.buffers->append(kCertificateBuffer, first);
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
  const Direction& d = direction();
  const Direction& other = state_.directions[from_originator_ ? 1 : 0];
  if (d.is_encrypted || other.is_encrypted || d.has_application_data) {
    // Padding may differ a little; what is read of foreign memory may not.
    if (state_.heartbeat_bytes != 0 && d.record_bytes > state_.heartbeat_bytes + 255) {
      report(code::kTlsDataleakHeartbeatMismatch);
    }
    state_.heartbeat_bytes = d.record_bytes;
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

// ---- The event

void write_hashed(const HashedText& text, uint16_t object, uint16_t hash, uint16_t string,
                  EventWriter* events) {
  const auto digits = hex_of(text.md5());
  events->open(object);
  events->put_text(hash, {digits.data(), digits.size()});
  if (text.is_cut()) {
    events->count_truncation();
  } else {
    events->put_text(string, text.text());
  }
  events->close();
}

void Session::write_hello(const ClientHello& hello) {
  EventWriter* events = context_.events;
  if (!hello.server_name.empty()) events->put_bytes(field::kSni, hello.server_name);
  HashedText ja3;
  write_ja3(hello, &ja3);
  write_hashed(ja3, field::kJa3, field::ja3::kHash, field::ja3::kString, events);
  Ja4 ja4;
  if (make_ja4(hello, Ja4Transport::kTcp, &ja4)) {
    events->put_text(field::kJa4, ja4.view());
  } else {
    events->count_truncation();
  }
  each_alpn(hello.alpn_list,
            [events](Bytes name) { events->put_bytes(field::kClientAlpns, name); });
  events->put_bool(field::kEch, hello.has_encrypted_hello);
}

void Session::write_server(EventWriter* events) const {
  if (state_.version != kSsl2) {
    HashedText ja3s;
    write_ja3s(state_.server_version, state_.cipher_suite,
               {state_.extensions.data(), state_.n_extensions}, &ja3s);
    write_hashed(ja3s, field::kJa3s, field::ja3s::kHash, field::ja3s::kString, events);
    events->put(field::kCipherSuite, state_.cipher_suite);
  }
  if (state_.alpn_bytes > 0) {
    events->put_bytes(field::kServerAlpns, {state_.alpn.data(), state_.alpn_bytes});
  }
  events->put_bool(field::kSessionResumed, state_.is_resumed);
}

void Session::write_event(Bytes client_certificate) {
  if (!has_something_to_write()) return;
  state_.is_written = true;
  EventWriter* events = context_.events;
  events->begin(event::kTls, state_.client_is_responder ? Side::kResponder : Side::kOriginator);
  uint16_t version = state_.version;
  ClientHello hello;
  if (read_client_hello(context_.buffers->view(kHelloBuffer), false, &hello)) {
    write_hello(hello);
    if (!state_.has_server_hello) version = hello.version;
  } else if (!state_.has_server_hello) {
    version = state_.hello_version;
  }
  if (state_.has_server_hello) write_server(events);
  events->put_text(field::kVersion, version_text(version));
  if (state_.from != AppId::kUnknown) events->put_text(field::kFromProto, app_name(state_.from));
  if (state_.has_certificate) {
    Certificate certificate;
    read_certificate(context_.buffers->view(kCertificateBuffer), &certificate);
    write_certificate(certificate, kServerFields, events);
    events->put(field::kChainLength, state_.n_certificates);
  }
  Certificate certificate;
  if (read_certificate(client_certificate, &certificate)) {
    events->open(field::kClient);
    write_certificate(certificate, kClientFields, events);
    events->close();
  }
  if (state_.has_alert) events->put(field::kAlert, state_.alert);
  events->end();
  if (state_.from == AppId::kRdp && state_.has_certificate) {
    Certificate of_server;
    read_certificate(context_.buffers->view(kCertificateBuffer), &of_server);
    write_rdp_step(of_server.serial);
  }
  context_.buffers->clear(kHelloBuffer);
  context_.buffers->clear(kCertificateBuffer);
}

// The handshake is a step of the remote desktop session, too, behind a request and its response.
void Session::write_rdp_step(Bytes serial) {
  constexpr uint32_t kStep = 2;
  constexpr size_t kMaxSerialBytes = 20;  // RFC 5280, 4.1.2.2
  TextBuilder<2 * kMaxSerialBytes> digits;
  digits.add_hex(Reader(serial).take_up_to(kMaxSerialBytes));
  const std::string_view text = digits.view();
  EventWriter* events = context_.events;
  events->begin(event::kRdp, state_.client_is_responder ? Side::kOriginator : Side::kResponder);
  events->put(event::rdp::kTxId, kStep);
  events->put_text(event::rdp::kEventType, "tls_handshake");
  events->put_text(event::rdp::kX509Serials,
                   text.substr(std::min(text.find_first_not_of('0'), text.size())));
  events->end();
}

// ---- The parser

bool is_likely_record(Bytes data) {
  const RecordHeader header = read_header(data);
  if (data.size() < kRecordHeaderBytes || !header.is_sound()) return false;
  Reader r(data);
  r.skip(kRecordHeaderBytes);
  switch (header.type) {
    case record_type::kHandshake: {
      const uint8_t type = r.u8();
      const uint32_t length = r.be24();
      return r.ok() && header.length >= kMessageHeaderBytes &&
             (type == handshake_type::kClientHello || type == handshake_type::kServerHello) &&
             length > 34 && length <= kMaxMessageBytes;
    }
    case record_type::kAlert:
      // Encrypted it stands alone, at the end of what was seen from midway.
      if (header.length > 2) return r.remaining() == header.length && header.length <= 256;
      return header.length == 2 && r.remaining() >= 2 && (r.peek_u8() == 1 || r.peek_u8() == 2);
    case record_type::kChangeCipherSpec:
      return header.length == 1 && r.peek_u8() == 1;
    case record_type::kApplicationData: {
      // Found midway: the next record must be one, too, where it is there.
      const size_t next = kRecordHeaderBytes + header.length;
      if (header.length < 16) return false;
      if (data.size() < next + 3) return data.size() <= next;
      const Bytes behind = data.subspan(next);
      return RecordHeader{behind[0], load_be16(behind.data() + 1), 0}.has_known_type() &&
             behind[1] == 3;
    }
    default:
      return false;
  }
}

Likelihood probe(const Segment& first) {
  return is_likely_record(first.data) ||
                 (first.data.size() >= 11 && is_sslv2_client_hello(first.data))
             ? Likelihood::kLikely
             : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* tls = static_cast<State*>(state);
  if (tls->directions[0].framing == Framing::kUnknown &&
      tls->directions[1].framing == Framing::kUnknown && context->flow_app != AppId::kFailed &&
      context->flow_app != AppId::kTls) {
    tls->from = context->flow_app;
  }
  return Session(tls, segment.from_originator, context).on_segment(segment.data);
}

bool on_gap(void* state, bool from_originator, Context* context) {
  auto* tls = static_cast<State*>(state);
  Direction& d = tls->directions[from_originator ? 0 : 1];
  if (d.framing == Framing::kSslv2) return false;
  context->buffers->clear(from_originator ? 0 : 1);
  d.is_lost = true;
  d.header_bytes = 0;
  d.left = 0;
  d.skip_bytes = 0;
  return true;
}

void on_end(void* state, Context* context) {
  Session session(static_cast<State*>(state), true, context);
  if (session.has_something_to_write()) session.write_event();
}

}  // namespace
}  // namespace thymus::dpi::tls

namespace thymus::dpi {

extern const Parser kTls;

const Parser kTls{
    .app = AppId::kTls,
    .state_bytes = sizeof(tls::State),
    .over_tcp = true,
    .over_udp = false,
    .probe = tls::probe,
    .on_data = tls::on_data,
    .on_gap = tls::on_gap,
    .on_end = tls::on_end,
    .first_bytes = tls::kFirstBytes,
    .ports = tls::kPorts,
};

}  // namespace thymus::dpi
