#include "engine/evidence.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "decode/neighbour.h"
#include "decode/packet_view.h"

namespace thymus::engine {

using decode::PacketView;

namespace {

// Who speaks with whom, the innermost addresses counting.
struct Ends {
  IpAddress from;
  IpAddress to;
};

std::optional<Ends> ends_of(const PacketView& view) {
  if (view.is_ip()) return Ends{view.src, view.dst};
  decode::Neighbour neighbour;
  if (!decode::read_neighbour(view, &neighbour)) return std::nullopt;
  return Ends{neighbour.sender, neighbour.target};
}

// The address with all bits behind the prefix cleared.
IpAddress network_of(IpAddress address, uint8_t length) {
  for (size_t i = 0; i < address.bytes.size(); ++i) {
    const size_t bits = std::clamp<size_t>(length, 8 * i, 8 * i + 8) - 8 * i;
    address.bytes[i] &= static_cast<uint8_t>(0xff00u >> bits);
  }
  return address;
}

}  // namespace

EvidenceCapture::EvidenceCapture(EvidenceRequest request)
    : request_(std::move(request)), others_(request_.others.begin(), request_.others.end()) {}

void EvidenceCapture::write(const capture::Frame& frame) {
  if (writer_ == nullptr) {
    link_type_ = frame.link_type;
    result_.status = capture::PcapWriter::create(request_.path + ".part", link_type_, &writer_);
  }
  if (!result_.status.ok() || frame.link_type != link_type_) return;
  result_.status = writer_->write(frame);
  if (result_.status.ok()) ++result_.frames;
}

EvidenceResult EvidenceCapture::finish() {
  if (writer_ == nullptr) return result_;
  const std::string part = request_.path + ".part";
  if (result_.status.ok()) result_.status = writer_->close();
  writer_.reset();
  if (!result_.status.ok()) {
    std::remove(part.c_str());
  } else if (std::rename(part.c_str(), request_.path.c_str()) != 0) {
    result_.status = {StatusCode::kIo,
                      request_.path + " cannot be written: give another directory."};
  }
  return result_;
}

EvidenceIndex::EvidenceIndex(std::span<EvidenceCapture> captures) {
  for (EvidenceCapture& capture : captures) {
    const EvidenceRequest& request = capture.request();
    const auto& [address, length] = request.entity;
    level_of(length).captures[network_of(address, length)].push_back(&capture);
    from_ns_ = std::min(from_ns_, request.from_ns);
    until_ns_ = std::max(until_ns_, request.until_ns);
  }
}

EvidenceIndex::Level& EvidenceIndex::level_of(uint8_t length) {
  for (Level& level : levels_) {
    if (level.length == length) return level;
  }
  return levels_.emplace_back(Level{length, {}});
}

void EvidenceIndex::collect(capture::Block frames) {
  for (const capture::Frame& frame : frames) {
    if (frame.ts_ns < from_ns_ || frame.ts_ns > until_ns_) continue;
    PacketView view;
    decode::decode_frame(frame.link_type, {frame.data, frame.caplen}, frame.origlen, {}, &view);
    const std::optional<Ends> ends = ends_of(view);
    if (!ends) continue;
    const auto& [from, to] = *ends;
    for (const Level& level : levels_) {
      const IpAddress networks[] = {network_of(from, level.length), network_of(to, level.length)};
      // Both ends of one network are shown to its captures once.
      const size_t n = networks[0] == networks[1] ? 1 : 2;
      for (size_t i = 0; i < n; ++i) {
        const auto found = level.captures.find(networks[i]);
        if (found == level.captures.end()) continue;
        for (EvidenceCapture* capture : found->second) {
          if (capture->is_open(frame.ts_ns) && capture->wants(from, to)) capture->write(frame);
        }
      }
    }
  }
}

std::vector<EvidenceResult> extract_evidence(const std::vector<std::string>& sources,
                                             std::vector<EvidenceRequest> requests) {
  std::vector<std::unique_ptr<capture::Source>> opened;
  for (const std::string& path : sources) {
    std::unique_ptr<capture::Source> source;
    if (capture::open_capture(path, &source).ok()) opened.push_back(std::move(source));
  }
  const auto merged = capture::merge_sources(std::move(opened));
  std::vector<EvidenceCapture> captures;
  for (EvidenceRequest& request : requests) captures.emplace_back(std::move(request));
  EvidenceIndex index(captures);
  capture::Block block;
  while (merged->next(&block) == capture::ReadState::kFrames) index.collect(block);
  std::vector<EvidenceResult> results;
  for (EvidenceCapture& capture : captures) results.push_back(capture.finish());
  return results;
}

}  // namespace thymus::engine
