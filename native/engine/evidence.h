// Captures of evidence: of all frames those that matter to an incident.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/address.h"
#include "base/status.h"
#include "capture/pcap_writer.h"
#include "capture/source.h"
#include "decode/packet_view.h"

namespace thymus::engine {

// Which frames: those between the entity and one of the others, the innermost addresses counting.
struct EvidenceRequest {
  std::string path;               // of the capture to write
  Prefix entity;                  // an address, or the network of a segment
  std::vector<IpAddress> others;  // none: whoever it speaks with
  int64_t from_ns = 0;            // since 1970
  int64_t until_ns = 0;
  uint64_t most_frames = 100'000;  // the earliest are kept
};

struct EvidenceResult {
  Status status;
  uint64_t frames = 0;
};

// The capture of one request. It is written beside its path and moved there when it is whole, so
// that nobody reads half of one.
class EvidenceCapture {
 public:
  explicit EvidenceCapture(EvidenceRequest request);

  bool wants(const decode::PacketView& view) const;
  // A pcap has one link type: that of its first frame; frames of others are left out.
  void write(const capture::Frame& frame);
  // Moves it to its place. Without a frame there is no capture.
  EvidenceResult finish();

 private:
  struct Hash {
    size_t operator()(const IpAddress& a) const {
      return static_cast<size_t>((a.high() ^ a.low()) * 0x9e3779b97f4a7c15ull >> 16);
    }
  };
  bool is_other(const IpAddress& address) const {
    return others_.empty() || others_.contains(address);
  }

  EvidenceRequest request_;
  std::unordered_set<IpAddress, Hash> others_;
  std::unique_ptr<capture::PcapWriter> writer_;
  uint16_t link_type_ = 0;
  EvidenceResult result_;
};

// Shows frames to captures, each decoded once.
void collect_evidence(capture::Block frames, std::span<EvidenceCapture> captures);

// Reads captures again, as one stream, and writes those of the requests. What cannot be read was
// said when it was read first.
std::vector<EvidenceResult> extract_evidence(const std::vector<std::string>& sources,
                                             std::vector<EvidenceRequest> requests);

}  // namespace thymus::engine
