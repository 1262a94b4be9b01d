// The Tabular Data Stream of Microsoft SQL Server ([MS-TDS]):
//
//   packet:   | type | status, 1: the last | length of all, 2 BE | process, 2 BE | number | 0 |
//   prelogin, type 12: { option, offset, 2 BE, length, 2 BE } up to ff, then the data
//   login, type 10, little-endian: | length, 4 | version, 4 | ... | 36: { offset, 2, characters, 2
//   }
//     of host, user, password, application, server, extension, library, language, database |
//   response, type 04: tokens; aa an error, ad the login is acknowledged
//
// Texts are UTF-16. With encryption TLS begins inside prelogin packets; then the login is sealed.
#include "base/generated/events/tds.h"

#include "base/text_builder.h"
#include "dpi/frames.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::tds;

constexpr uint16_t kPorts[] = {1433};
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxHeadBytes = 4096;  // the size of packets that all sides begin with
constexpr uint8_t kLogin = 0x10, kPrelogin = 0x12, kResponse = 0x04, kBatch = 0x01;
constexpr uint8_t kErrorToken = 0xaa, kInfoToken = 0xab, kAckToken = 0xad, kChangeToken = 0xe3;
constexpr int kMaxTokens = 64;

struct State {
  FrameCursor cursor[2];
  bool has_begun;
  bool has_login;
  bool client_is_responder;
  uint8_t encryption;  // as the server answered, and one more; 0: not known
};

using Text = TextBuilder<1024>;

Text utf16(Bytes bytes) {
  Text text;
  text.add_utf16le(bytes);
  return text;
}

bool is_type(uint8_t type) {
  return type == kLogin || type == kPrelogin || type == kResponse ||
         (type >= kBatch && type <= 8) || type == 0x0e || type == 0x11;
}

Frame measure(Bytes all) {
  Reader r(all);
  const uint8_t type = r.u8();
  r.skip(1);
  const uint16_t length = r.be16();
  if (!all.empty() && !is_type(type)) return Frame::broken();
  if (!r.ok()) return {};
  return length >= kHeaderBytes ? Frame::of(length, kMaxHeadBytes) : Frame::broken();
}

std::string_view encryption_name(uint8_t value) {
  constexpr std::string_view kNames[] = {"off", "on", "not_supported", "required"};
  return value < std::size(kNames) ? kNames[value] : "unknown";
}

void put_filled(uint16_t field, std::string_view text, EventWriter* events) {
  if (!text.empty()) events->put_text(field, text);
}

// ---- prelogin

// 0xff: the option is not there.
uint8_t encryption_of(Bytes body) {
  constexpr uint8_t kEncryption = 1, kEnd = 0xff;
  Reader r(body);
  for (int n = 0; n < kMaxTokens; ++n) {
    const uint8_t option = r.u8();
    const size_t offset = r.be16();
    const size_t length = r.be16();
    if (!r.ok() || option == kEnd) return kEnd;
    if (option == kEncryption && length >= 1) return Reader(body).peek_u8(offset);
  }
  return kEnd;
}

bool is_prelogin(Bytes body) {
  Reader r(body);
  const uint8_t option = r.u8();
  const size_t offset = r.be16();
  return option == 0 && offset >= 6 && offset <= body.size() && r.be16() == 6;
}

// ---- login

constexpr size_t kTexts = 36;
enum Index : size_t {
  kHost,
  kUser,
  kPassword,
  kApplication,
  kServer,
  kExtension,
  kLibrary,
  kLanguage,
  kDatabase
};

Text login_text(Bytes login, Index index) {
  Reader r(login);
  r.seek(kTexts + 4 * index);
  const size_t offset = r.le16();
  const size_t bytes = 2 * size_t{r.le16()};
  Reader text(login);
  return utf16(text.seek(offset) ? text.take_up_to(bytes) : Bytes{});
}

bool is_login(Bytes body) {
  Reader r(body);
  const uint32_t length = r.le32();
  const uint32_t version = r.le32();
  return r.ok() && length > kTexts && version >> 24 >= 0x70 && version >> 24 <= 0x7f;
}

void put_login(Bytes login, EventWriter* events) {
  Reader r(login);
  r.skip(4);
  events->put(ids::kTdsVersion, r.le32());
  put_filled(ids::kUser, login_text(login, kUser).view(), events);
  put_filled(ids::kHostname, login_text(login, kHost).view(), events);
  put_filled(ids::kApplication, login_text(login, kApplication).view(), events);
  put_filled(ids::kServer, login_text(login, kServer).view(), events);
  put_filled(ids::kLibrary, login_text(login, kLibrary).view(), events);
  put_filled(ids::kDatabase, login_text(login, kDatabase).view(), events);
}

// ---- response

// Error: | length, 2 | number, 4 | state | class | characters, 2, text | ... |
// Acknowledged: | length, 2 | interface | version, 4 | characters, 1, name | ... |
void put_response(Reader r, EventWriter* events) {
  bool has_failed = false, has_succeeded = false;
  for (int n = 0; n < kMaxTokens; ++n) {
    const uint8_t token = r.u8();
    const bool has_length =
        token == kErrorToken || token == kInfoToken || token == kAckToken || token == kChangeToken;
    if (!r.ok() || !has_length) break;
    Reader data = r.sub(r.le16());
    if (token == kErrorToken && !has_failed) {
      has_failed = true;
      events->put(ids::kErrorCode, data.le32());
      data.skip(2);
      put_filled(ids::kError, utf16(data.take_up_to(2 * size_t{data.le16()})).view(), events);
    } else if (token == kAckToken) {
      has_succeeded = true;
      data.skip(5);
      put_filled(ids::kServerName, utf16(data.take_up_to(2 * size_t{data.u8()})).view(), events);
    }
  }
  if (has_failed || has_succeeded) events->put_bool(ids::kSuccess, has_succeeded);
}

// ---- flow

void begin(const State& state, EventWriter* events) {
  events->begin(event::kTds, state.client_is_responder ? Side::kResponder : Side::kOriginator);
  if (state.encryption != 0) {
    events->put_text(ids::kEncryption, encryption_name(static_cast<uint8_t>(state.encryption - 1)));
  }
}

constexpr int kLoginBuffer = 2;

// The login waits for its answer.
void write_login(Reader response, State* state, Context* context) {
  begin(*state, context->events);
  put_login(context->buffers->view(kLoginBuffer), context->events);
  put_response(response, context->events);
  context->events->end();
  context->buffers->clear(kLoginBuffer);
  state->has_login = false;
}

Answer on_packet(Bytes packet, bool from_originator, State* state, Context* context) {
  const uint8_t type = packet[0];
  const Bytes body = packet.subspan(kHeaderBytes);
  if (type == kPrelogin && is_prelogin(body)) {
    if (!state->has_begun) state->client_is_responder = !from_originator;
    state->has_begun = true;
    return Answer::kAccept;
  }
  if (type == kPrelogin) {
    // TLS: with "on" or "required" the login stays hidden in it.
    if (!state->has_begun) return Answer::kReject;
    begin(*state, context->events);
    context->events->end();
    return Answer::kDone;
  }
  if (type == kLogin && is_login(body)) {
    state->client_is_responder = !from_originator;
    state->has_begun = true;
    context->buffers->clear(kLoginBuffer);
    state->has_login = context->buffers->append(kLoginBuffer, body);
    return Answer::kAccept;
  }
  const bool by_server = from_originator == state->client_is_responder;
  if (type == kResponse && state->has_begun && by_server) {
    if (state->has_login) {
      write_login(Reader(body), state, context);
      return Answer::kDone;
    }
    const uint8_t encryption = is_prelogin(body) ? encryption_of(body) : uint8_t{0xff};
    if (encryption != 0xff) state->encryption = static_cast<uint8_t>(encryption + 1);
    return Answer::kAccept;
  }
  return state->has_begun ? Answer::kAccept : Answer::kReject;
}

Likelihood probe(const Segment& first) {
  const Frame frame = measure(first.data);
  if (frame.state != Frame::State::kKnown || first.data.size() < kHeaderBytes) {
    return Likelihood::kNo;
  }
  const Bytes body = first.data.subspan(kHeaderBytes);
  // A login says its length twice, or goes on in further packets.
  const bool is_last = first.data[1] == 1;
  const uint64_t login_bytes = Reader(body).le32() + kHeaderBytes;
  const bool fits = is_last ? login_bytes == frame.bytes : login_bytes > frame.bytes;
  const bool is_start = (first.data[0] == kPrelogin && is_last && is_prelogin(body)) ||
                        (first.data[0] == kLogin && first.data[1] <= 1 && fits && is_login(body));
  return is_start ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* tds = static_cast<State*>(state);
  const int direction = segment.from_originator ? 0 : 1;
  Answer answer = tds->has_begun ? Answer::kAccept : Answer::kNeedMore;
  const Framing framing = take_frames(&tds->cursor[direction], context, direction, segment.data,
                                      measure, [&](Bytes head, const Frame&, size_t) {
                                        if (head.size() < kHeaderBytes) return true;
                                        answer =
                                            on_packet(head, segment.from_originator, tds, context);
                                        return answer == Answer::kAccept;
                                      });
  return framing == Framing::kBroken ? Answer::kReject : answer;
}

void on_end(void* state, Context* context) {
  auto* tds = static_cast<State*>(state);
  if (tds->has_login) write_login(Reader(), tds, context);
}

}  // namespace

extern const Parser kTds;

const Parser kTds{
    .app = AppId::kTds,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_end = on_end,
    .first_bytes = "\x12\x10",
    .ports = kPorts,
};

}  // namespace thymus::dpi
