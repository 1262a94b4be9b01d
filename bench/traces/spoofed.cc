#include <vector>

#include "frame_builder.h"
#include "trace.h"

namespace thymus::bench {
namespace {

constexpr uint8_t kSyn = 2, kPush = 8, kAck = 16;
constexpr uint64_t kSeconds = 60;
constexpr uint32_t kConnections = 2000;
constexpr uint32_t kVictim = 0x0a000505;                          // 10.0.5.5
constexpr uint32_t kClients = 0x0a000100, kServers = 0xc6120001;  // 10.0.1.0, 198.18.0.1

class SpoofedSources final : public Trace {
 public:
  explicit SpoofedSources(const TraceOptions& options)
      : sources_(options.packets == 0 ? 10'000'000 : options.packets),
        sequence_(2 * kConnections, 1) {}

  bool next(TraceFrame* frame) override {
    const uint64_t spacing = kSeconds * 1'000'000'000 / sources_;
    if (talk_at_ns_ <= flood_at_ns_ && second_ <= kSeconds + kQuietBefore) return talk(frame);
    if (flooded_ == sources_) return false;
    frame->ts_ns = kStartNs + static_cast<int64_t>(flood_at_ns_);
    flood_at_ns_ += spacing;
    // Each source once: a bijection of the counter, away from the home prefixes.
    const auto source = static_cast<uint32_t>(flooded_++ * 2654435761u % 0x50000000 + 0x20000000);
    const Endpoint from{source, static_cast<uint16_t>(1024 + flooded_ % 60000)};
    frame->bytes = builder_.tcp(from, {kVictim, 443}, {source, 0, kSyn}, {});
    return true;
  }

 private:
  static constexpr uint64_t kQuietBefore = 5;  // seconds in which the connections are made

  // One step of the connections' second: handshakes in the first, then a segment each way.
  bool talk(TraceFrame* frame) {
    const uint32_t steps = second_ == 0 ? 3 : 2;
    const uint32_t i = turn_ / steps;
    const uint32_t step = turn_ % steps;
    frame->ts_ns = kStartNs + static_cast<int64_t>(talk_at_ns_);
    frame->bytes = frame_of(i, step);
    talk_at_ns_ += 1'000'000'000 / (kConnections * steps);
    if (++turn_ == kConnections * steps) {
      turn_ = 0;
      talk_at_ns_ = ++second_ * 1'000'000'000;
    }
    return true;
  }

  Bytes frame_of(uint32_t i, uint32_t step) {
    const Endpoint client{kClients + i / 16, static_cast<uint16_t>(30000 + i)};
    const Endpoint server{kServers + i % 32, 443};
    uint32_t& ours = sequence_[2 * i];
    uint32_t& theirs = sequence_[2 * i + 1];
    if (second_ == 0) {
      if (step == 0) return builder_.tcp(client, server, {ours++, 0, kSyn}, {});
      if (step == 1) return builder_.tcp(server, client, {theirs++, ours, kSyn | kAck}, {});
      return builder_.tcp(client, server, {ours, theirs, kAck}, {});
    }
    static constexpr uint8_t kPayload[100] = {};
    uint32_t& seq = step == 0 ? ours : theirs;
    const TcpFields fields{seq, step == 0 ? theirs : ours, kPush | kAck};
    seq += sizeof kPayload;
    return step == 0 ? builder_.tcp(client, server, fields, kPayload)
                     : builder_.tcp(server, client, fields, kPayload);
  }

  uint64_t sources_;
  uint64_t flooded_ = 0;
  uint64_t flood_at_ns_ = kQuietBefore * 1'000'000'000;
  uint64_t talk_at_ns_ = 0;
  uint64_t second_ = 0;
  uint32_t turn_ = 0;
  std::vector<uint32_t> sequence_;
  FrameBuilder builder_;
};

}  // namespace

std::unique_ptr<Trace> spoofed_sources(const TraceOptions& options) {
  return std::make_unique<SpoofedSources>(options);
}

}  // namespace thymus::bench
