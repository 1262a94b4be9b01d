// LDAP (RFC 4511) over TCP, and connectionless over UDP (MS-ADTS 6.3.3), where a datagram may hold
// several messages.
//
// Requests and responses wait in a buffer of the flow, as they came, until the operation is over;
// then they are read again and written as one event:
//
//   {u16 serial number of the operation, u32 length, message}...
#include "base/generated/events/ldap.h"

#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/ldap/ldap_message.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

constexpr uint16_t kPorts[] = {389, 3268};
constexpr int kWaiting = 2;  // the buffer of the messages that wait
constexpr size_t kRecordHeaderBytes = 6;
constexpr size_t kMaxOpen = 256;
constexpr uint32_t kMaxResponses = 1024;
constexpr uint32_t kMaxEvents = 20000;

struct Operation {
  int32_t message_id;
  uint32_t begin;  // of its first message, in bytes since the start of the flow, modulo 2^32
  uint16_t n_responses;
  bool is_open;
  bool has_request;
};

struct LdapState {
  std::array<Operation, kMaxOpen> operations;  // a ring by serial number
  uint16_t oldest;                             // serial number; those from here to `next` are used
  uint16_t next;
  uint32_t consumed_bytes;  // of the buffer since the start of the flow
  uint32_t n_events;
  uint64_t skip_bytes[2];  // of a message that is longer than a buffer
  bool is_lost[2];         // after a hole
  bool is_sure;
  bool client_is_responder;
  bool asked_starttls;
  bool is_wrapped;  // a SASL bind succeeded: what follows may be sealed

  Operation& at(uint16_t serial) { return operations[serial % kMaxOpen]; }
  size_t n_used() const { return static_cast<uint16_t>(next - oldest); }
};
static_assert(sizeof(LdapState) <= kMaxParserStateBytes);

// The operations of one flow while a call lasts.
class Operations {
 public:
  Operations(LdapState* state, Context* context) : state_(*state), context_(*context) {}

  void on_message(Bytes bytes, const LdapMessage& message) {
    uint16_t serial;
    if (message.is_request() || !find(message.id, &serial)) serial = begin(message);
    Operation& operation = state_.at(serial);
    if (!message.is_request()) ++operation.n_responses;
    if (operation.n_responses > kMaxResponses || !keep(serial, bytes)) {
      if (operation.is_open) write_anomaly(anomaly_code::kLdapTooManyResponses, context_.events);
    }
    const bool is_alone = !message.is_request() && !operation.has_request;
    if (operation.is_open && (is_alone || message.ends_operation())) finish(serial);
    drop_finished();
  }

  // Writes everything that waits.
  void flush() {
    for (uint16_t s = state_.oldest; s != state_.next; ++s) {
      if (state_.at(s).is_open) finish(s);
    }
    drop_finished();
  }

 private:
  bool find(int64_t message_id, uint16_t* serial) {
    for (*serial = state_.oldest; *serial != state_.next; ++*serial) {
      const Operation& o = state_.at(*serial);
      if (o.is_open && o.has_request && o.message_id == message_id) return true;
    }
    return false;
  }

  uint16_t begin(const LdapMessage& message) {
    if (state_.n_used() == kMaxOpen) {
      write_anomaly(anomaly_code::kLdapTooManyTransactions, context_.events);
      flush();
    }
    const auto size = static_cast<uint32_t>(context_.buffers->view(kWaiting).size());
    state_.at(state_.next) = {static_cast<int32_t>(message.id), state_.consumed_bytes + size, 0,
                              true, message.is_request()};
    return state_.next++;
  }

  bool keep(uint16_t serial, Bytes bytes) {
    const auto n = static_cast<uint32_t>(bytes.size());
    const std::array<uint8_t, kRecordHeaderBytes> header{
        static_cast<uint8_t>(serial >> 8), static_cast<uint8_t>(serial),
        static_cast<uint8_t>(n >> 24),     static_cast<uint8_t>(n >> 16),
        static_cast<uint8_t>(n >> 8),      static_cast<uint8_t>(n)};
    Buffers* buffers = context_.buffers;
    if (buffers->view(kWaiting).size() + header.size() + n > kMaxBufferBytes) return false;
    const size_t before = buffers->view(kWaiting).size();
    if (!buffers->append(kWaiting, header)) return false;
    if (buffers->append(kWaiting, bytes)) return true;
    // Half a record would be read as what it is not.
    state_.consumed_bytes += static_cast<uint32_t>(before + header.size());
    buffers->clear(kWaiting);
    return false;
  }

  void finish(uint16_t serial) {
    Operation& operation = state_.at(serial);
    operation.is_open = false;
    if (state_.n_events >= kMaxEvents) return;
    ++state_.n_events;
    EventWriter* events = context_.events;
    events->begin(event::kLdap, state_.client_is_responder ? Side::kResponder : Side::kOriginator);
    Reader r(context_.buffers->view(kWaiting));
    r.skip(std::min<size_t>(operation.begin - state_.consumed_bytes, r.remaining()));
    while (!r.empty()) {
      const uint16_t owner = r.be16();
      const Bytes bytes = r.take(r.be32());
      LdapMessage message;
      if (owner != serial || !read_ldap(bytes, &message)) continue;
      events->open(message.is_request() ? event::ldap::kRequest : event::ldap::kResponses);
      if (message.is_request()) {
        write_ldap_request(message, events);
      } else {
        write_ldap_response(message, !operation.has_request, events);
      }
      events->close();
    }
    events->end();
  }

  void drop_finished() {
    while (state_.oldest != state_.next && !state_.at(state_.oldest).is_open) ++state_.oldest;
    const size_t size = context_.buffers->view(kWaiting).size();
    size_t n = size;
    if (state_.oldest != state_.next) {
      n = std::min<size_t>(state_.at(state_.oldest).begin - state_.consumed_bytes, size);
    }
    context_.buffers->consume(kWaiting, n);
    state_.consumed_bytes += static_cast<uint32_t>(n);
  }

  LdapState& state_;
  Context& context_;
};

// What the messages of a flow say about the flow itself.
void learn(LdapState* state, const LdapMessage& message, bool from_originator) {
  if (!state->is_sure) {
    state->client_is_responder = message.is_request() != from_originator;
    state->is_sure = true;
  }
  if (message.is_starttls_request()) state->asked_starttls = true;
  if (message.op == LdapOp::kBindResponse && message.is_success()) state->is_wrapped = true;
}

// ---- UDP

Likelihood probe_udp(const Segment& first) {
  LdapMessage message;
  return read_ldap(first.data, &message) ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_datagram(void* state, const Segment& segment, Context* context) {
  auto* ldap = static_cast<LdapState*>(state);
  Operations operations(ldap, context);
  Reader r(segment.data);
  bool is_ldap = false;
  while (!r.empty()) {
    LdapMessage message;
    const size_t size = ldap_message_bytes(r.rest(), &is_ldap);
    const Bytes bytes = r.take(size);
    if (size == 0 || !r.ok() || !read_ldap(bytes, &message)) {
      if (ldap->is_sure) write_anomaly(anomaly_code::kLdapInvalidData, context->events);
      return ldap->is_sure ? Answer::kAccept : Answer::kReject;
    }
    learn(ldap, message, segment.from_originator);
    operations.on_message(bytes, message);
  }
  return Answer::kAccept;
}

// ---- TCP

Likelihood probe_tcp(const Segment& first) {
  bool is_ldap;
  const size_t size = ldap_message_bytes(first.data, &is_ldap);
  LdapMessage message;
  if (!is_ldap) return Likelihood::kNo;
  if (size != 0 && size <= first.data.size()) {
    return read_ldap(first.data.first(size), &message) ? Likelihood::kLikely : Likelihood::kNo;
  }
  return first.has_port(389) || first.has_port(3268) ? Likelihood::kMaybe : Likelihood::kNo;
}

enum class Outcome : uint8_t { kGoOn, kBroken, kStartTls };

// Takes one message of a direction; returns how many bytes of `bytes` are done with.
size_t take_one(LdapState* state, Context* context, const Segment& segment, Bytes bytes,
                Outcome* outcome) {
  const int side = segment.from_originator ? 0 : 1;
  if (*outcome != Outcome::kGoOn) return 0;
  if (state->skip_bytes[side] > 0) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(state->skip_bytes[side], bytes.size()));
    state->skip_bytes[side] -= n;
    return n;
  }
  bool is_ldap;
  const size_t size = ldap_message_bytes(bytes, &is_ldap);
  if (!is_ldap) *outcome = Outcome::kBroken;
  if (!is_ldap || size == 0) return 0;
  if (size > kMaxBufferBytes) {
    state->skip_bytes[side] = size;
    return take_one(state, context, segment, bytes, outcome);
  }
  if (size > bytes.size()) return 0;
  LdapMessage message;
  if (!read_ldap(bytes.first(size), &message)) {
    *outcome = Outcome::kBroken;
    return 0;
  }
  learn(state, message, segment.from_originator);
  Operations(state, context).on_message(bytes.first(size), message);
  if (message.op == LdapOp::kExtendedResponse && state->asked_starttls) {
    state->asked_starttls = false;
    if (message.is_success()) *outcome = Outcome::kStartTls;
  }
  return size;
}

Answer on_stream(void* state, const Segment& segment, Context* context) {
  auto* ldap = static_cast<LdapState*>(state);
  const int side = segment.from_originator ? 0 : 1;
  if (ldap->is_lost[side]) {
    if (probe_tcp(segment) != Likelihood::kLikely) return Answer::kAccept;
    ldap->is_lost[side] = false;
  }
  Outcome outcome = Outcome::kGoOn;
  const bool kept = take_messages(context, side, segment.data, [&](Bytes bytes) {
    return take_one(ldap, context, segment, bytes, &outcome);
  });
  if (outcome == Outcome::kStartTls) {
    Operations(ldap, context).flush();
    context->next = AppId::kTls;
    return Answer::kHandOver;
  }
  if (outcome == Outcome::kBroken || !kept) {
    if (!ldap->is_sure) return Answer::kReject;
    Operations(ldap, context).flush();
    if (!ldap->is_wrapped) write_anomaly(anomaly_code::kLdapInvalidData, context->events);
    return Answer::kDone;
  }
  return ldap->is_sure ? Answer::kAccept : Answer::kNeedMore;
}

bool on_stream_gap(void* state, bool from_originator, Context* context) {
  auto* ldap = static_cast<LdapState*>(state);
  const int side = from_originator ? 0 : 1;
  ldap->is_lost[side] = true;
  ldap->skip_bytes[side] = 0;
  context->buffers->clear(side);
  return true;
}

void on_end(void* state, Context* context) {
  Operations(static_cast<LdapState*>(state), context).flush();
}

}  // namespace

extern const Parser kLdapUdp;
extern const Parser kLdapTcp;

const Parser kLdapUdp{
    .app = AppId::kLdap,
    .state_bytes = sizeof(LdapState),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe_udp,
    .on_data = on_datagram,
    .on_end = on_end,
    .first_bytes = "\x30",
    .ports = kPorts,
};
const Parser kLdapTcp{
    .app = AppId::kLdap,
    .state_bytes = sizeof(LdapState),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe_tcp,
    .on_data = on_stream,
    .on_gap = on_stream_gap,
    .on_end = on_end,
    .first_bytes = "\x30",
    .ports = kPorts,
};

}  // namespace thymus::dpi
