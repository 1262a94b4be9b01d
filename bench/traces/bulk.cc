#include <array>

#include "frame_builder.h"
#include "trace.h"

namespace thymus::bench {
namespace {

constexpr uint8_t kSyn = 2, kPush = 8, kAck = 16;
constexpr size_t kFlows = 274;
constexpr size_t kSegmentBytes = 1460;
constexpr uint32_t kClients = 0x0a010000, kServers = 0xc6120000;  // 10.1/16, 198.18/15

struct Connection {
  Endpoint client;
  Endpoint server;
  uint32_t client_seq;
  uint32_t server_seq;
  uint64_t step;
};

class Bulk final : public Trace {
 public:
  explicit Bulk(const TraceOptions& options)
      : packets_(options.packets == 0 ? 1'300'000 : options.packets),
        rate_(options.rate / 10 + 1),
        random_(options.seed) {
    for (uint32_t i = 0; i < kFlows; ++i) {
      connections_[i] = {{kClients + i / 4 + 1, static_cast<uint16_t>(20000 + i)},
                         {kServers + i % 16 + 1, static_cast<uint16_t>(i % 3 == 0 ? 80 : 443)},
                         random_.below(1u << 30),
                         random_.below(1u << 30),
                         0};
    }
    for (uint8_t& byte : payload_) byte = static_cast<uint8_t>(random_.next());
  }

  bool next(TraceFrame* frame) override {
    if (made_ == packets_) return false;
    frame->ts_ns = kStartNs + static_cast<int64_t>(made_ * 1'000'000'000 / rate_);
    ++made_;
    // A burst of segments of one connection, then another.
    if (burst_ == 0) {
      current_ = random_.below(kFlows);
      burst_ = 1 + random_.below(16);
    }
    --burst_;
    frame->bytes = frame_of(&connections_[current_]);
    return true;
  }

 private:
  Bytes frame_of(Connection* c) {
    switch (c->step++) {
      case 0:
        return builder_.tcp(c->client, c->server, {c->client_seq++, 0, kSyn}, {});
      case 1:
        return builder_.tcp(c->server, c->client, {c->server_seq++, c->client_seq, kSyn | kAck},
                            {});
      case 2:
        return builder_.tcp(c->client, c->server, {c->client_seq, c->server_seq, kAck}, {});
      case 3: {
        const uint32_t seq = c->client_seq;
        c->client_seq += kRequestBytes;
        return builder_.tcp(c->client, c->server, {seq, c->server_seq, kPush | kAck},
                            Bytes(payload_).first(kRequestBytes));
      }
      default:
        if (c->step % 3 == 0) {
          return builder_.tcp(c->client, c->server, {c->client_seq, c->server_seq, kAck}, {});
        }
        const uint32_t seq = c->server_seq;
        c->server_seq += kSegmentBytes;
        return builder_.tcp(c->server, c->client, {seq, c->client_seq, kAck}, payload_);
    }
  }

  static constexpr uint32_t kRequestBytes = 300;

  uint64_t packets_;
  uint64_t rate_;
  uint64_t made_ = 0;
  uint32_t current_ = 0;
  uint32_t burst_ = 0;
  Random random_;
  std::array<Connection, kFlows> connections_;
  std::array<uint8_t, kSegmentBytes> payload_;
  FrameBuilder builder_;
};

}  // namespace

std::unique_ptr<Trace> bulk(const TraceOptions& options) { return std::make_unique<Bulk>(options); }

}  // namespace thymus::bench
