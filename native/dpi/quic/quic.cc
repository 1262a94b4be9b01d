// QUIC (RFC 9000, 9001, 9369; drafts 21 to 34; Google's Q025 to Q050 and T050, T051): the hellos
// out of the Initial packets of both sides, which anybody can decrypt.
//
// Buffers 0 and 1 hold pieces of the CRYPTO streams of client and server.
#include "base/generated/events/quic.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/generated/anomaly_codes.h"
#include "dpi/name_hash.h"
#include "dpi/parser.h"
#include "dpi/quic/crypto_stream.h"
#include "dpi/quic/google.h"
#include "dpi/quic/initial_keys.h"
#include "dpi/quic/packet.h"
#include "dpi/quic/version.h"
#include "dpi/tls/extension_names.h"
#include "dpi/tls/fingerprint.h"
#include "dpi/tls/hello.h"
#include "dpi/tls/versions.h"

namespace thymus::dpi::quic {
namespace {

namespace code = anomaly_code;
namespace field = event::quic;

constexpr uint16_t kPorts[] = {443, 80, 784, 853, 8443, 8853};
// Datagrams with long headers after which no hello is waited for.
constexpr uint16_t kMaxDatagrams = 64;
constexpr size_t kMaxPacketBytes = 9216;
constexpr int kMaxCoalesced = 16;
constexpr size_t kMessageHeaderBytes = 4;

namespace frame {
constexpr uint64_t kPadding = 0x00;
constexpr uint64_t kPing = 0x01;
constexpr uint64_t kAck = 0x02;
constexpr uint64_t kAckEcn = 0x03;
constexpr uint64_t kCrypto = 0x06;
constexpr uint64_t kGoogleCrypto = 0x08;
constexpr uint64_t kClose = 0x1c;
}  // namespace frame

struct State {
  CryptoStream streams[2];  // client's, server's
  InitialKeys keys;
  uint32_t version;
  uint16_t n_datagrams;
  bool has_keys;
  bool client_is_responder;
  bool has_client_hello;
  bool has_server_hello;
  bool has_failed;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

// ---- Events

void begin_event(uint32_t version, EventWriter* events) {
  std::array<char, 8> room;
  events->begin(event::kQuic);
  events->put_text(field::kVersion, version_text(version, &room));
}

void write_hashed(const tls::HashedText& text, uint16_t object, uint16_t hash, uint16_t string,
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

void write_extensions(Bytes extensions, Bytes server_name, Bytes alpn_list, EventWriter* events) {
  constexpr int kMaxListed = 64;
  namespace e = field::extensions;
  int n = 0;
  tls::each_extension(extensions, [&](uint16_t type, Bytes) {
    if (n++ >= kMaxListed) return events->count_truncation();
    const std::string_view name = tls::extension_name(type);
    events->open(field::kExtensions);
    if (!name.empty()) events->put_text(e::kName, name);
    events->put(e::kType, type);
    if (type == tls::extension_type::kServerName && !server_name.empty()) {
      events->put_bytes(e::kValues, server_name);
    } else if (type == tls::extension_type::kAlpn) {
      tls::each_alpn(alpn_list, [&](Bytes alpn) { events->put_bytes(e::kValues, alpn); });
    }
    events->close();
  });
}

void write_client_hello(uint32_t version, const tls::ClientHello& hello, Context* context) {
  EventWriter* events = context->events;
  begin_event(version, events);
  if (!hello.server_name.empty()) events->put_bytes(field::kSni, hello.server_name);
  tls::HashedText ja3;
  tls::write_ja3(hello, &ja3);
  write_hashed(ja3, field::kJa3, field::ja3::kHash, field::ja3::kString, events);
  tls::Ja4 ja4;
  if (tls::make_ja4(hello, tls::Ja4Transport::kQuic, &ja4)) {
    events->put_text(field::kJa4, ja4.view());
    context->facts.client_fingerprint = ja4.hash();
  }
  write_extensions(hello.extensions, hello.server_name, hello.alpn_list, events);
  events->put_bool(field::kEch, hello.has_encrypted_hello);
  events->end();
  context->facts.name_hash = name_hash(as_text(hello.server_name));
  context->facts.tls_version = tls::version_fact(tls::kTls13);
}

void write_server_hello(uint32_t version, const tls::ServerHello& hello, EventWriter* events) {
  constexpr size_t kMaxTypes = 64;
  std::array<uint16_t, kMaxTypes> types;
  size_t n = 0;
  tls::each_extension(hello.extensions, [&](uint16_t type, Bytes) {
    if (n < kMaxTypes) types[n++] = type;
  });
  begin_event(version, events);
  tls::HashedText ja3s;
  tls::write_ja3s(hello.version, hello.cipher_suite, {types.data(), n}, &ja3s);
  write_hashed(ja3s, field::kJa3s, field::ja3s::kHash, field::ja3s::kString, events);
  write_extensions(hello.extensions, {}, {}, events);
  events->end();
}

// CYU: the digits of the version and the tags in their order.
void write_cyu(uint32_t version, const GoogleHello& hello, EventWriter* events) {
  std::array<char, 8> room;
  tls::HashedText text;
  text.put(version_text(version, &room).substr(2));
  for (size_t i = 0; i < hello.n_tags; ++i) {
    text.put(i == 0 ? "," : "-");
    text.put({hello.tags[i].data(), hello.tag_bytes[i]});
  }
  write_hashed(text, field::kCyu, field::cyu::kHash, field::cyu::kString, events);
}

bool write_google_hello(uint32_t version, Bytes message, Context* context) {
  GoogleHello hello;
  if (!read_google_hello(message, &hello)) return false;
  EventWriter* events = context->events;
  begin_event(version, events);
  if (!hello.server_name.empty()) events->put_bytes(field::kSni, hello.server_name);
  if (!hello.user_agent.empty()) events->put_bytes(field::kUa, hello.user_agent);
  write_cyu(version, hello, events);
  events->end();
  context->facts.name_hash = name_hash(as_text(hello.server_name));
  return true;
}

// ---- Packets

class Connection {
 public:
  Connection(State* state, const Segment& segment, Context* context)
      : state_(*state), segment_(segment), context_(*context) {}

  // False when the datagram is no QUIC.
  bool on_datagram();

 private:
  bool from_client() const { return segment_.from_originator != state_.client_is_responder; }
  bool wants_hello() const {
    return from_client() ? !state_.has_client_hello : !state_.has_server_hello;
  }
  void on_initial(const LongHeader& header, Bytes packet);
  Bytes open_as_first(const LongHeader& header, Bytes packet, std::span<uint8_t> room);
  bool on_frames(Bytes frames);
  bool on_crypto(Reader* r);
  void on_message();

  State& state_;
  const Segment& segment_;
  Context& context_;
};

bool Connection::on_datagram() {
  GooglePacket google;
  if (read_google_packet(segment_.data, &google)) {
    state_.version = google.version;
    const Bytes message = find_client_hello(google.frames);
    if (!state_.has_client_hello && !message.empty()) {
      state_.has_client_hello = write_google_hello(google.version, message, &context_);
    }
    return true;
  }
  Bytes rest = segment_.data;
  bool is_mine = false;
  for (int n = 0; n < kMaxCoalesced && !rest.empty(); ++n) {
    LongHeader header;
    if (!read_long_header(rest, &header)) break;
    is_mine = true;
    if (header.type == PacketType::kInitial && wants_hello()) {
      on_initial(header, rest.first(header.size));
    }
    rest = rest.subspan(header.size);
  }
  return is_mine;
}

// The keys stay those of the first packet when the client goes over to the id that the server
// chose; after a Retry, and for another connection on the same ports, they are those of the new id.
void Connection::on_initial(const LongHeader& header, Bytes packet) {
  std::array<uint8_t, kMaxPacketBytes> room;
  Bytes frames;
  state_.version = header.version;
  if (state_.has_keys) {
    frames = open_packet(from_client() ? state_.keys.client : state_.keys.server, packet,
                         header.number_at, room);
  }
  if (frames.empty() && (from_client() || !state_.has_keys)) {
    frames = open_as_first(header, packet, room);
  }
  if (frames.empty()) {
    const bool is_whole = segment_.cut_bytes == 0 && packet.size() <= room.size();
    if (state_.n_datagrams == 0 && segment_.from_originator && is_whole && !state_.has_failed) {
      state_.has_failed = true;
      write_anomaly(code::kQuicFailedDecrypt, context_.events);
    }
    return;
  }
  if (!on_frames(frames) && !state_.has_failed) {
    state_.has_failed = true;
    write_anomaly(code::kQuicErrorOnData, context_.events);
  }
}

Bytes Connection::open_as_first(const LongHeader& header, Bytes packet, std::span<uint8_t> room) {
  const InitialKeys keys = derive_initial_keys(header.version, header.destination);
  const Bytes frames = open_packet(keys.client, packet, header.number_at, room);
  if (frames.empty()) return {};
  state_.client_is_responder = !segment_.from_originator;
  state_.keys = keys;
  state_.has_keys = true;
  for (int i = 0; i < 2; ++i) state_.streams[i].reset(context_.buffers, i);
  return frames;
}

// False when a frame is not one of those that an Initial packet may hold (RFC 9000, 12.4).
bool Connection::on_frames(Bytes frames) {
  Reader r(frames);
  while (!r.empty()) {
    const uint64_t type = read_varint(&r);
    switch (type) {
      case frame::kPadding:
      case frame::kPing:
        break;
      case frame::kAck:
      case frame::kAckEcn: {
        read_varint(&r);
        read_varint(&r);
        const uint64_t n_ranges = read_varint(&r);
        read_varint(&r);
        for (uint64_t i = 0; i < n_ranges && r.ok(); ++i) {
          read_varint(&r);
          read_varint(&r);
        }
        if (type == frame::kAckEcn) {
          for (int i = 0; i < 3; ++i) read_varint(&r);
        }
        break;
      }
      case frame::kCrypto:
      case frame::kGoogleCrypto:
        if (!on_crypto(&r)) return false;
        break;
      case frame::kClose:
        return true;
      default:
        return false;
    }
    if (!r.ok()) return false;
  }
  on_message();
  return true;
}

bool Connection::on_crypto(Reader* r) {
  const uint64_t offset = read_varint(r);
  const uint64_t length = read_varint(r);
  if (!r->ok() || length > r->remaining()) return false;
  const Bytes piece = r->take(length);
  if (state_.version == kQ050) {
    if (from_client() && offset == 0 && !state_.has_client_hello) {
      state_.has_client_hello = write_google_hello(state_.version, piece, &context_);
    }
    return true;
  }
  const int side = from_client() ? 0 : 1;
  return state_.streams[side].add(offset, piece, context_.buffers, side);
}

void Connection::on_message() {
  const int side = from_client() ? 0 : 1;
  std::array<uint8_t, CryptoStream::kMaxBytes> room;
  const Bytes message = state_.streams[side].first_message(*context_.buffers, side, room);
  if (message.empty()) return;
  const Bytes body = message.subspan(kMessageHeaderBytes);
  if (from_client()) {
    tls::ClientHello hello;
    if (message[0] == tls::handshake_type::kClientHello &&
        tls::read_client_hello(body, false, &hello)) {
      write_client_hello(state_.version, hello, &context_);
    }
    state_.has_client_hello = true;
  } else {
    tls::ServerHello hello;
    if (message[0] == tls::handshake_type::kServerHello && tls::read_server_hello(body, &hello)) {
      write_server_hello(state_.version, hello, context_.events);
    }
    state_.has_server_hello = true;
  }
  state_.streams[side].reset(context_.buffers, side);
}

// ---- The parser

Likelihood probe(const Segment& first) {
  GooglePacket google;
  if (read_google_packet(first.data, &google)) return Likelihood::kLikely;
  LongHeader header;
  if (!read_long_header(first.data, &header)) return Likelihood::kNo;
  return Likelihood::kLikely;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* quic = static_cast<State*>(state);
  const bool is_mine = Connection(quic, segment, context).on_datagram();
  if (quic->n_datagrams == 0 && !is_mine) return Answer::kReject;
  ++quic->n_datagrams;
  const bool has_all =
      quic->has_client_hello &&
      (quic->has_server_hello || initial_salt(quic->version).empty() || quic->version == kQ050);
  return has_all || quic->n_datagrams > kMaxDatagrams ? Answer::kDone : Answer::kAccept;
}

}  // namespace
}  // namespace thymus::dpi::quic

namespace thymus::dpi {

extern const Parser kQuic;

const Parser kQuic{
    .app = AppId::kQuic,
    .state_bytes = sizeof(quic::State),
    .over_tcp = false,
    .over_udp = true,
    .probe = quic::probe,
    .on_data = quic::on_data,
    .ports = quic::kPorts,
};

}  // namespace thymus::dpi
