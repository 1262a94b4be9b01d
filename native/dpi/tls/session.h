// What is known of the handshake of one flow, and what its next segment adds.
//
// The client's hello is kept in buffer 2 and the server's first certificate in buffer 3 until the
// handshake has shown all that the event says: at the server's HelloDone, with a requested
// certificate of the client at that, in TLS 1.3 at the ServerHello, behind which all is encrypted.
// Buffers 0 and 1 hold a message of the originator and of the responder that is not whole yet.
#pragma once

#include <array>
#include <cstdint>

#include "base/event_writer.h"
#include "dpi/parser.h"
#include "dpi/tls/hello.h"
#include "dpi/tls/record.h"

namespace thymus::dpi::tls {

constexpr int kHelloBuffer = 2;
constexpr int kCertificateBuffer = 3;
constexpr size_t kMessageHeaderBytes = 4;
constexpr size_t kMaxMessageBytes = kMaxBufferBytes - kMessageHeaderBytes;
constexpr size_t kMaxServerExtensions = 48;

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
  uint32_t skip_bytes;   // of a handshake message that nobody needs
  uint16_t asked_bytes;  // of its encrypted heartbeat that was not answered yet; 0: there is none
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
  bool has_overlong_name;  // of either side's certificates, and it was reported
  bool is_written;
  uint8_t alert;
  uint8_t n_certificates;
  uint8_t alpn_bytes;
  uint8_t n_extensions;
  uint16_t version;         // that is spoken
  uint16_t hello_version;   // of an SSL 2.0 hello, which is not kept
  uint16_t server_version;  // legacy_version of the ServerHello
  uint16_t cipher_suite;
  AppId from;
  uint32_t anomalies;  // bit n: kTlsInvalidSslv2Header + n was reported
  std::array<uint8_t, 255> alpn;
  std::array<uint16_t, kMaxServerExtensions> extensions;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

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
  void look_at_names(Bytes certificate);
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

}  // namespace thymus::dpi::tls
