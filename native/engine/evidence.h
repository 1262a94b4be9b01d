// Captures of evidence: of all frames those that matter to an incident.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
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

struct AddressHash {
  size_t operator()(const IpAddress& a) const {
    return static_cast<size_t>((a.high() ^ a.low()) * 0x9e3779b97f4a7c15ull >> 16);
  }
};

// The capture of one request. It is written beside its path and moved there when it is whole, so
// that nobody reads half of one.
class EvidenceCapture {
 public:
  explicit EvidenceCapture(EvidenceRequest request);

  const EvidenceRequest& request() const { return request_; }
  // Whether it holds frames of this moment, and still takes some.
  bool is_open(int64_t ts_ns) const {
    return ts_ns >= request_.from_ns && ts_ns <= request_.until_ns &&
           result_.frames < request_.most_frames && result_.status.ok();
  }
  // Whether one of two addresses that speak with each other is the entity and the other one wanted.
  bool wants(const IpAddress& from, const IpAddress& to) const {
    return (request_.entity.contains(from) && is_other(to)) ||
           (request_.entity.contains(to) && is_other(from));
  }
  // A pcap has one link type: that of its first frame; frames of others are left out.
  void write(const capture::Frame& frame);
  // Moves it to its place. Without a frame there is no capture.
  EvidenceResult finish();

 private:
  bool is_other(const IpAddress& address) const {
    return others_.empty() || others_.contains(address);
  }

  EvidenceRequest request_;
  std::unordered_set<IpAddress, AddressHash> others_;
  std::unique_ptr<capture::PcapWriter> writer_;
  uint16_t link_type_ = 0;
  EvidenceResult result_;
};

// Captures by the addresses of their entities: a frame is shown to those that its two addresses
// belong to, one look-up for each length of prefix, however many captures there are. The captures
// must outlive it.
class EvidenceIndex {
 public:
  explicit EvidenceIndex(std::span<EvidenceCapture> captures);

  // Shows frames to captures, each decoded once.
  void collect(capture::Block frames);

 private:
  // Captures whose entities have prefixes of one length, by the network.
  struct Level {
    uint8_t length;
    std::unordered_map<IpAddress, std::vector<EvidenceCapture*>, AddressHash> captures;
  };
  Level& level_of(uint8_t length);

  std::vector<Level> levels_;
  int64_t from_ns_ = INT64_MAX;  // what all captures hold lies between
  int64_t until_ns_ = INT64_MIN;
};

// Reads captures again, as one stream, and writes those of the requests. What cannot be read was
// said when it was read first.
std::vector<EvidenceResult> extract_evidence(const std::vector<std::string>& sources,
                                             std::vector<EvidenceRequest> requests);

}  // namespace thymus::engine
