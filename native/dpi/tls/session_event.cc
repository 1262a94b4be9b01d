// The event of a handshake.
#include <algorithm>

#include "base/generated/events/rdp.h"
#include "base/generated/events/tls.h"
#include "base/text_builder.h"
#include "dpi/tls/fingerprint.h"
#include "dpi/tls/session.h"
#include "dpi/tls/versions.h"
#include "dpi/tls/x509.h"

namespace thymus::dpi::tls {
namespace {

namespace field = event::tls;

constexpr CertificateFields kServerFields{
    field::kSubject,     field::kIssuerdn,  field::kSubjectaltname, field::kSerial,
    field::kFingerprint, field::kNotbefore, field::kNotafter};
constexpr CertificateFields kClientFields{
    field::client::kSubject, field::client::kIssuerdn,    0,
    field::client::kSerial,  field::client::kFingerprint, field::client::kNotbefore,
    field::client::kNotafter};

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

}  // namespace

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

}  // namespace thymus::dpi::tls
