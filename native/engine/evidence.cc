#include "engine/evidence.h"

#include <cstdio>
#include <utility>

#include "decode/neighbour.h"
#include "decode/packet_view.h"

namespace thymus::engine {

using decode::PacketView;

EvidenceCapture::EvidenceCapture(EvidenceRequest request)
    : request_(std::move(request)), others_(request_.others.begin(), request_.others.end()) {}

bool EvidenceCapture::wants(const PacketView& view) const {
  if (view.ts_ns < request_.from_ns || view.ts_ns > request_.until_ns) return false;
  if (result_.frames >= request_.most_frames || !result_.status.ok()) return false;
  IpAddress from = view.src, to = view.dst;
  if (!view.is_ip()) {
    decode::Neighbour neighbour;
    if (!decode::read_neighbour(view, &neighbour)) return false;
    from = neighbour.sender;
    to = neighbour.target;
  }
  return (request_.entity.contains(from) && is_other(to)) ||
         (request_.entity.contains(to) && is_other(from));
}

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

void collect_evidence(capture::Block frames, std::span<EvidenceCapture> captures) {
  for (const capture::Frame& frame : frames) {
    PacketView view;
    decode::decode_frame(frame.link_type, {frame.data, frame.caplen}, frame.origlen, {}, &view);
    view.ts_ns = frame.ts_ns;
    for (EvidenceCapture& capture : captures) {
      if (capture.wants(view)) capture.write(frame);
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
  capture::Block block;
  while (merged->next(&block) == capture::ReadState::kFrames) collect_evidence(block, captures);
  std::vector<EvidenceResult> results;
  for (EvidenceCapture& capture : captures) results.push_back(capture.finish());
  return results;
}

}  // namespace thymus::engine
