// The session service of NetBIOS over TCP (RFC 1002, 4.3); name and datagram service are patterns.
//
//   | type | flags | length | trailer |      00 message, 81 request, 82 positive response,
//      1      1        2                    83 negative response, 84 retarget, 85 keep-alive
//
// A session is set up and kept alive here; its first message begins SMB.
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {139};

enum Type : uint8_t {
  kMessage = 0x00,
  kRequest = 0x81,
  kPositive = 0x82,
  kNegative = 0x83,
  kRetarget = 0x84,
  kKeepAlive = 0x85,
};

enum class Read : uint8_t { kWhole, kShort, kWrong };

// The first label of an encoded name is always 32 letters from A to P (RFC 1001, 14.1). Labels of
// a scope may follow.
bool skip_name(Reader* r) {
  constexpr size_t kLetters = 32;
  if (r->u8() != kLetters) return false;
  for (const uint8_t letter : r->take(kLetters)) {
    if (letter < 'A' || letter > 'P') return false;
  }
  size_t label = r->u8();
  while (r->ok() && label > 0) {
    if (label > 63) return false;
    r->skip(label);
    label = r->u8();
  }
  return r->ok();
}

// One packet that is no message.
Read read_packet(Reader* r) {
  const uint8_t type = r->u8();
  const uint8_t flags = r->u8();
  const size_t length = r->be16();
  if (!r->ok()) return Read::kShort;
  constexpr size_t kMaxRequestBytes = 512;
  const bool right_length = type == kRequest     ? length >= 68 && length <= kMaxRequestBytes
                            : type == kNegative  ? length == 1
                            : type == kRetarget  ? length == 6
                            : type == kPositive  ? length == 0
                            : type == kKeepAlive ? length == 0
                                                 : false;
  if (flags != 0 || !right_length) return Read::kWrong;
  if (r->remaining() < length) return Read::kShort;
  Reader trailer = r->sub(length);
  if (type != kRequest) return Read::kWhole;
  const bool names = skip_name(&trailer) && skip_name(&trailer) && trailer.empty();
  return names ? Read::kWhole : Read::kWrong;
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  const uint8_t type = r.peek_u8();
  if (type == kMessage || read_packet(&r) != Read::kWhole) return Likelihood::kNo;
  return type == kRequest || first.has_port(kPorts[0]) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void*, const Segment& segment, Context* context) {
  Answer answer = Answer::kAccept;
  const int buffer = segment.from_originator ? 0 : 1;
  const bool kept = take_messages(context, buffer, segment.data, [&](Bytes all) -> size_t {
    if (answer != Answer::kAccept) return 0;
    Reader r(all);
    if (r.peek_u8() == kMessage) {
      context->next = AppId::kSmb;
      context->next_bytes = all.size();
      answer = Answer::kHandOver;
      return 0;
    }
    const Read read = read_packet(&r);
    if (read == Read::kWrong) answer = Answer::kReject;
    return read == Read::kWhole ? r.offset() : 0;
  });
  return kept ? answer : Answer::kReject;
}

}  // namespace

extern const Parser kNetbiosSession;

const Parser kNetbiosSession{
    .app = AppId::kNetbios,
    .state_bytes = 1,
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x81\x82\x83\x84\x85",
    .ports = kPorts,
};

}  // namespace thymus::dpi
