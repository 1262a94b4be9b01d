// SOCKS 4 and 4a, SOCKS 5 (RFC 1928, RFC 1929). When the server has agreed, the flow is that of
// whatever is carried.
//
//   4: client 04 command port address user 00 [name 00]      server 00 code port address
//   5: client 05 n method...                                 server 05 method
//      client 01 n user n password (method 2)                server 01 status
//      client 05 command 00 type address port                server 05 code 00 type address port
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {1080};
constexpr size_t kMaxMessageBytes = 1024;
constexpr uint8_t kGranted4 = 90;
constexpr uint8_t kNoMethod = 0xff;

enum class Step : uint8_t {
  kHello,   // client's first message
  kMethod,  // server's choice
  kLogin,   // client's name and password
  kLoginDone,
  kRequest,
  kReply,
  kReply4,
};

struct State {
  Step step;
};

enum class Read : uint8_t { kWhole, kShort, kWrong };

Read judge(const Reader& r, bool is_right) {
  return !is_right ? Read::kWrong : r.ok() ? Read::kWhole : Read::kShort;
}

Read skip_string(Reader* r) {
  while (r->ok() && r->u8() != 0) {
  }
  return judge(*r, true);
}

Read read_request4(Reader* r) {
  r->skip(1);
  const uint8_t command = r->u8();
  r->skip(2);
  const uint32_t address = r->be32();
  if (r->ok() && command != 1 && command != 2) return Read::kWrong;
  const bool has_name = address > 0 && address < 256;  // 0.0.0.x: a name follows (4a)
  const Read user = skip_string(r);
  return user == Read::kWhole && has_name ? skip_string(r) : user;
}

Read read_hello5(Reader* r) {
  r->skip(1);
  const size_t n = r->u8();
  const bool is_right = !r->ok() || (n > 0 && n <= 10);
  r->skip(n);
  return judge(*r, is_right);
}

Read read_login(Reader* r) {
  const uint8_t version = r->u8();
  const bool is_right = !r->ok() || version == 1;
  r->skip(r->u8());
  r->skip(r->u8());
  return judge(*r, is_right);
}

// Requests and replies of SOCKS 5 have one form.
Read read_address5(Reader* r, uint8_t max_code) {
  const uint8_t version = r->u8();
  const uint8_t code = r->u8();
  const uint8_t reserved = r->u8();
  const uint8_t type = r->u8();
  if (!r->ok()) return judge(*r, true);
  if (version != 5 || code > max_code || reserved != 0) return Read::kWrong;
  if (type != 1 && type != 3 && type != 4) return Read::kWrong;
  r->skip(type == 1 ? 4 : type == 4 ? 16 : r->u8());
  r->skip(2);
  return judge(*r, true);
}

bool is_client_step(Step step) {
  return step == Step::kHello || step == Step::kLogin || step == Step::kRequest;
}

// One message of the step under way; `*r` stands behind it.
Read take_step(State* s, Reader* r, bool* is_over) {
  const uint8_t lead = r->peek_u8();
  Read read = Read::kWrong;
  switch (s->step) {
    case Step::kHello:
      if (lead != 4 && lead != 5) return Read::kWrong;
      read = lead == 4 ? read_request4(r) : read_hello5(r);
      if (read == Read::kWhole) s->step = lead == 4 ? Step::kReply4 : Step::kMethod;
      return read;
    case Step::kMethod: {
      const uint8_t version = r->u8();
      const uint8_t method = r->u8();
      read = judge(*r, version == 5 && (!r->ok() || method <= 9 || method == kNoMethod));
      if (read == Read::kWhole) s->step = method == 2 ? Step::kLogin : Step::kRequest;
      return read;
    }
    case Step::kLogin:
      read = read_login(r);
      if (read == Read::kWhole) s->step = Step::kLoginDone;
      return read;
    case Step::kLoginDone:
      r->skip(2);
      if (r->ok()) s->step = Step::kRequest;
      return judge(*r, true);
    case Step::kRequest:
      read = read_address5(r, 3);
      if (read == Read::kWhole) s->step = Step::kReply;
      return read;
    case Step::kReply:
      read = read_address5(r, 8);
      *is_over = read == Read::kWhole;
      return read;
    case Step::kReply4: {
      const uint8_t version = r->u8();
      const uint8_t code = r->u8();
      r->skip(6);
      *is_over = r->ok();
      return judge(*r, version == 0 && (!r->ok() || (code >= kGranted4 && code <= 93)));
    }
  }
  return read;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  const auto answer_so_far = [s] {
    const bool is_sure =
        s->step != Step::kHello && s->step != Step::kMethod && s->step != Step::kReply4;
    return is_sure ? Answer::kAccept : Answer::kNeedMore;
  };
  Answer answer = answer_so_far();
  const int buffer = segment.from_originator ? 0 : 1;
  const bool kept = take_messages(context, buffer, segment.data, [&](Bytes all) -> size_t {
    if (answer == Answer::kReject || answer == Answer::kHandOver) return 0;
    // What a client sends ahead of the reply waits for its turn.
    if (is_client_step(s->step) != segment.from_originator) {
      if (all.size() > kMaxMessageBytes || !segment.from_originator) answer = Answer::kReject;
      return 0;
    }
    Reader r(all);
    bool is_over = false;
    const Read read = take_step(s, &r, &is_over);
    if (read == Read::kWrong || (read == Read::kShort && all.size() > kMaxMessageBytes)) {
      answer = Answer::kReject;
    }
    if (read != Read::kWhole) return 0;
    answer = is_over ? Answer::kHandOver : answer_so_far();
    context->next = AppId::kUnknown;
    context->next_bytes = all.size() - r.offset();
    return r.offset();
  });
  return kept ? answer : Answer::kReject;
}

Likelihood probe(const Segment& first) {
  Reader r(first.data);
  State state{};
  bool is_over = false;
  if (take_step(&state, &r, &is_over) != Read::kWhole || !r.empty()) return Likelihood::kNo;
  return first.dst_port == kPorts[0] ? Likelihood::kLikely : Likelihood::kMaybe;
}

}  // namespace

extern const Parser kSocks;

const Parser kSocks{
    .app = AppId::kSocks,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x04\x05",
    .ports = kPorts,
};

}  // namespace thymus::dpi
