#include <algorithm>
#include <queue>

#include "capture/source.h"
#include "frame_builder.h"
#include "trace.h"

namespace thymus::bench {
namespace {

constexpr int64_t kBetweenReplicasNs = 500'000'000;
constexpr size_t kEthernetBytes = 14, kSrcAt = kEthernetBytes + 12, kDstAt = kSrcAt + 4;

struct StoredFrame {
  int64_t at_ns;  // since the capture's first
  size_t begin;
  uint32_t size;
};

struct Capture {
  std::vector<uint8_t> bytes;
  std::vector<StoredFrame> frames;
};

Capture load(const std::string& path) {
  std::unique_ptr<capture::Source> source;
  const Status status = capture::open_capture(path, &source);
  if (!status.ok()) stop(status.message(), 1);
  Capture out;
  int64_t first_ns = -1, last_ns = 0;
  capture::Block block;
  while (source->next(&block) == capture::ReadState::kFrames) {
    for (const capture::Frame& frame : block) {
      if (first_ns < 0) first_ns = frame.ts_ns;
      last_ns = std::max(last_ns, frame.ts_ns - first_ns);  // time never runs back in a replica
      out.frames.push_back({last_ns, out.bytes.size(), frame.caplen});
      out.bytes.insert(out.bytes.end(), frame.data, frame.data + frame.caplen);
    }
  }
  return out;
}

// The checksum at `at` after `before` became `after` beneath it (RFC 1624, equation 3).
void adjust(std::vector<uint8_t>* frame, size_t at, uint16_t before, uint16_t after) {
  uint32_t sum = static_cast<uint16_t>(~load_be16(frame->data() + at));
  sum += static_cast<uint16_t>(~before);
  sum += after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const auto value = static_cast<uint16_t>(~sum);
  (*frame)[at] = static_cast<uint8_t>(value >> 8);
  (*frame)[at + 1] = static_cast<uint8_t>(value);
}

// Where the transport checksum lies; 0 where there is none to keep right.
size_t transport_checksum(const std::vector<uint8_t>& frame, size_t ip_header_bytes) {
  const size_t transport = kEthernetBytes + ip_header_bytes;
  const bool later_fragment = (load_be16(frame.data() + kEthernetBytes + 6) & 0x1fff) != 0;
  if (later_fragment) return 0;
  const uint8_t protocol = frame[kEthernetBytes + 9];
  const size_t at = protocol == kProtocolTcp   ? transport + 16
                    : protocol == kProtocolUdp ? transport + 6
                                               : 0;
  if (at == 0 || at + 2 > frame.size()) return 0;
  return protocol == kProtocolUdp && load_be16(frame.data() + at) == 0 ? 0 : at;
}

// Gives both IPv4 addresses of a frame the replica's number in their second byte. Multicast,
// broadcast and what is no IPv4 stay.
void readdress(uint8_t replica, std::vector<uint8_t>* frame) {
  constexpr size_t kLeast = kEthernetBytes + 20;
  if (frame->size() < kLeast || load_be16(frame->data() + 12) != 0x0800) return;
  const size_t header_bytes = size_t{(*frame)[kEthernetBytes] & 0xfu} * 4;
  if (header_bytes < 20 || frame->size() < kEthernetBytes + header_bytes) return;
  const size_t checksum_at = transport_checksum(*frame, header_bytes);
  for (const size_t at : {kSrcAt, kDstAt}) {
    if ((*frame)[at] >= 224 || (*frame)[at] == 0) continue;
    const uint16_t before = load_be16(frame->data() + at);
    (*frame)[at + 1] ^= replica;
    const uint16_t after = load_be16(frame->data() + at);
    adjust(frame, kEthernetBytes + 10, before, after);
    if (checksum_at != 0) adjust(frame, checksum_at, before, after);
  }
}

class Mix final : public Trace {
 public:
  explicit Mix(const TraceOptions& options) {
    if (options.replicas > 255) stop("--replicas is at most 255", 2);
    for (const std::string& path : options.captures) captures_.push_back(load(path));
    for (size_t r = 0; r < options.replicas; ++r) {
      for (size_t c = 0; c < captures_.size(); ++c) {
        const auto order = static_cast<int64_t>(r * captures_.size() + c);
        push({0, kStartNs + order * kBetweenReplicasNs, c, 0, static_cast<uint8_t>(r)});
      }
    }
  }

  bool next(TraceFrame* frame) override {
    if (heads_.empty()) return false;
    Head head = heads_.top();
    heads_.pop();
    const Capture& capture = captures_[head.capture];
    const StoredFrame& stored = capture.frames[head.frame];
    const auto begin = capture.bytes.begin() + static_cast<std::ptrdiff_t>(stored.begin);
    bytes_.assign(begin, begin + stored.size);
    readdress(head.replica, &bytes_);
    *frame = {bytes_, head.at_ns};
    ++head.frame;
    push(head);
    return true;
  }

 private:
  struct Head {
    int64_t at_ns;
    int64_t start_ns;
    size_t capture;
    size_t frame;
    uint8_t replica;
    bool operator>(const Head& o) const {
      return at_ns != o.at_ns ? at_ns > o.at_ns : start_ns > o.start_ns;
    }
  };

  void push(Head head) {
    const Capture& capture = captures_[head.capture];
    if (head.frame == capture.frames.size()) return;
    head.at_ns = head.start_ns + capture.frames[head.frame].at_ns;
    heads_.push(head);
  }

  std::vector<Capture> captures_;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

std::unique_ptr<Trace> mix(const TraceOptions& options) { return std::make_unique<Mix>(options); }

}  // namespace thymus::bench
