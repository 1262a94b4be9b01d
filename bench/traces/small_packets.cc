#include <iterator>
#include <string_view>

#include "frame_builder.h"
#include "trace.h"

namespace thymus::bench {
namespace {

constexpr uint8_t kFin = 1, kSyn = 2, kPush = 8, kAck = 16;

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A question for the address of "h<number>.example", or its answer.
Bytes dns_message(BigEndianBytes* out, uint16_t id, uint32_t number, bool is_answer) {
  constexpr uint16_t kTypeA = 1, kClassIn = 1, kNameOfQuestion = 0xc00c;
  std::string host(1, 'h');
  host += std::to_string(number);
  out->clear();
  out->u16(id);
  out->u16(is_answer ? 0x8180 : 0x0100);
  out->u16(1);  // questions
  out->u16(is_answer);
  out->u32(0);  // authorities, additional records
  out->u8(static_cast<uint8_t>(host.size()));
  out->text(host);
  out->u8(7);
  out->text("example");
  out->u8(0);
  out->u16(kTypeA);
  out->u16(kClassIn);
  if (is_answer) {
    out->u16(kNameOfQuestion);
    out->u16(kTypeA);
    out->u16(kClassIn);
    out->u32(300);  // time to live, seconds
    out->u16(4);
    out->u32(0xc6120000 | (number & 0xffff));
  }
  return out->from(0);
}

struct TcpStep {
  bool is_from_server;
  uint8_t flags;
  std::string_view payload;
};
constexpr TcpStep kHandshake[] = {
    {false, kSyn, {}},
    {true, kSyn | kAck, {}},
    {false, kAck, {}},
};
constexpr TcpStep kExchange[] = {
    {false, kPush | kAck, "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"},
    {true, kAck, {}},
    {true, kPush | kAck, "HTTP/1.1 204 No Content\r\nServer: bench\r\n\r\n"},
    {false, kAck, {}},
};
constexpr TcpStep kFarewell[] = {
    {false, kFin | kAck, {}},
    {true, kFin | kAck, {}},
    {false, kAck, {}},
};
constexpr size_t kExchangeSteps = 4 * std::size(kExchange);
constexpr size_t kTcpSteps = std::size(kHandshake) + kExchangeSteps + std::size(kFarewell);

const TcpStep& tcp_step(size_t i) {
  if (i < std::size(kHandshake)) return kHandshake[i];
  i -= std::size(kHandshake);
  if (i < kExchangeSteps) return kExchange[i % std::size(kExchange)];
  return kFarewell[i - kExchangeSteps];
}

enum class Kind { kScan, kDns, kTcp };

struct Conversation {
  Kind kind;
  size_t step;
  Endpoint client;
  Endpoint server;
  uint32_t seq[2];  // next of client and server
  uint32_t number;
};

class SmallPackets final : public Trace {
 public:
  explicit SmallPackets(const TraceOptions& options)
      : packets_(options.packets == 0 ? 10'000'000 : options.packets),
        rate_(options.rate),
        random_(options.seed),
        conversations_(options.concurrent) {
    for (Conversation& c : conversations_) c = start();
  }

  bool next(TraceFrame* frame) override {
    if (made_ == packets_) return false;
    frame->ts_ns = kStartNs + static_cast<int64_t>(made_ / rate_ * 1'000'000'000 +
                                                   made_ % rate_ * 1'000'000'000 / rate_);
    ++made_;
    frame->bytes = next_frame();
    return true;
  }

 private:
  // The next packet of some conversation.
  Bytes next_frame() {
    Conversation& c = conversations_[random_.below(conversations_.size())];
    Bytes frame = frame_of(&c);
    if (++c.step == n_steps(c.kind)) c = start();
    return frame;
  }
  static size_t n_steps(Kind kind) {
    if (kind == Kind::kTcp) return kTcpSteps;
    return kind == Kind::kDns ? 2 : 1;
  }

  Conversation start() {
    constexpr uint32_t kClients = 0x0a000000, kServers = 0xc6120000;  // 10/8, 198.18/15
    const uint32_t share = random_.below(100);
    Conversation c{};
    c.kind = share < 30 ? Kind::kScan : share < 60 ? Kind::kDns : Kind::kTcp;
    c.client = {kClients | random_.below(1 << 20), port(random_.below(64512) + 1024)};
    c.server = {kServers | random_.below(1 << 12), server_port(c.kind)};
    c.seq[0] = random_.below(uint64_t{1} << 32);
    c.seq[1] = random_.below(uint64_t{1} << 32);
    c.number = random_.below(100'000);
    return c;
  }
  uint16_t server_port(Kind kind) {
    if (kind == Kind::kScan) return port(random_.below(1024) + 1);
    return kind == Kind::kDns ? 53 : 80;
  }
  static uint16_t port(uint32_t n) { return static_cast<uint16_t>(n); }

  Bytes frame_of(Conversation* c) {
    if (c->kind == Kind::kDns) return dns_frame(*c);
    return tcp_frame(c);  // a scan is a connection that ends with its SYN
  }
  Bytes dns_frame(const Conversation& c) {
    const bool is_answer = c.step == 1;
    const auto id = static_cast<uint16_t>(c.seq[0]);
    Bytes message = dns_message(&message_, id, c.number, is_answer);
    return is_answer ? builder_.udp(c.server, c.client, message)
                     : builder_.udp(c.client, c.server, message);
  }
  Bytes tcp_frame(Conversation* c) {
    const TcpStep& step = tcp_step(c->step);
    uint32_t& seq = c->seq[step.is_from_server];
    const uint32_t ack = step.flags & kAck ? c->seq[!step.is_from_server] : 0;
    const TcpFields fields{seq, ack, step.flags};
    seq += static_cast<uint32_t>(step.payload.size()) + ((step.flags & (kSyn | kFin)) != 0);
    const Endpoint& from = step.is_from_server ? c->server : c->client;
    const Endpoint& to = step.is_from_server ? c->client : c->server;
    return builder_.tcp(from, to, fields, bytes_of(step.payload));
  }

  uint64_t packets_;
  uint64_t rate_;
  uint64_t made_ = 0;
  Random random_;
  std::vector<Conversation> conversations_;
  FrameBuilder builder_;
  BigEndianBytes message_;
};

}  // namespace

std::unique_ptr<Trace> small_packets(const TraceOptions& options) {
  return std::make_unique<SmallPackets>(options);
}

}  // namespace thymus::bench
