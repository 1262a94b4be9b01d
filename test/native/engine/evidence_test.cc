#include "engine/evidence.h"

#include <cstdio>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "engine/frame_store.h"
#include "support/packet_builder.h"

namespace thymus::engine {
namespace {

using test::ip_address;
using test::Packet;

constexpr int64_t kSecond = 1'000'000'000;

// Frames with a second between them, and the files of a test.
class Rig {
 public:
  ~Rig() {
    for (const std::string& path : paths_) std::remove(path.c_str());
  }
  std::string path(const std::string& name) {
    paths_.push_back("/tmp/thymus_evidence_" + std::to_string(getpid()) + "_" + name);
    return paths_.back();
  }
  void udp(const std::string& from, const std::string& to) {
    const auto made = Packet().ethernet().ipv4(from, to).udp(1000, 53).text("hello").bytes();
    data_.emplace_back(made.begin(), made.end());
  }
  std::vector<capture::Frame> frames() const {
    std::vector<capture::Frame> out;
    for (size_t i = 0; i < data_.size(); ++i) {
      const auto size = static_cast<uint32_t>(data_[i].size());
      out.push_back({data_[i].data(), static_cast<int64_t>(i) * kSecond, size, size, 1, 0, 0});
    }
    return out;
  }

 private:
  std::vector<std::string> paths_;
  std::vector<std::vector<uint8_t>> data_;
};

EvidenceRequest request(const std::string& path, const std::string& entity,
                        std::vector<std::string> others = {}) {
  EvidenceRequest r;
  r.path = path;
  REQUIRE(parse_prefix(entity, &r.entity));
  for (const std::string& other : others) r.others.push_back(ip_address(other));
  r.until_ns = 1000 * kSecond;
  return r;
}

std::vector<int64_t> seconds_in(const std::string& path) {
  std::unique_ptr<capture::Source> source;
  REQUIRE(capture::open_capture(path, &source).ok());
  std::vector<int64_t> out;
  capture::Block block;
  while (source->next(&block) == capture::ReadState::kFrames) {
    for (const capture::Frame& frame : block) out.push_back(frame.ts_ns / kSecond);
  }
  return out;
}

using Seconds = std::vector<int64_t>;

}  // namespace

TEST_CASE("evidence: the frames between an entity and the others, in their time") {
  Rig rig;
  rig.udp("10.0.0.1", "10.0.0.2");
  rig.udp("10.0.0.2", "10.0.0.1");
  rig.udp("10.0.0.1", "10.0.0.3");
  rig.udp("10.0.0.3", "10.0.0.2");
  rig.udp("10.0.0.1", "10.0.0.2");
  FrameStore store(0);
  store.push(rig.frames());

  const std::string path = rig.path("pair");
  CHECK(store.save(request(path, "10.0.0.1", {"10.0.0.2"})).frames == 3);
  CHECK(seconds_in(path) == Seconds{0, 1, 4});

  CHECK(store.save(request(path, "10.0.0.1")).frames == 4);
  CHECK(seconds_in(path) == Seconds{0, 1, 2, 4});

  EvidenceRequest late = request(path, "10.0.0.0/24");
  late.from_ns = 2 * kSecond;
  late.until_ns = 3 * kSecond;
  CHECK(store.save(late).frames == 2);
  CHECK(seconds_in(path) == Seconds{2, 3});

  EvidenceRequest few = request(path, "10.0.0.1");
  few.most_frames = 2;
  CHECK(store.save(few).frames == 2);
  CHECK(seconds_in(path) == Seconds{0, 1});
}

TEST_CASE("evidence: without a frame there is no capture, and a wrong place is said") {
  Rig rig;
  rig.udp("10.0.0.1", "10.0.0.2");
  FrameStore store(0);
  store.push(rig.frames());
  const std::string path = rig.path("none");
  const EvidenceResult none = store.save(request(path, "192.0.2.1"));
  CHECK(none.status.ok());
  CHECK(none.frames == 0);
  CHECK(access(path.c_str(), F_OK) != 0);
  CHECK_FALSE(store.save(request("/no/such/place.pcap", "10.0.0.1")).status.ok());
}

TEST_CASE("evidence: the oldest frames give way") {
  Rig rig;
  for (int i = 0; i < 60'000; ++i) rig.udp("10.0.0.1", "10.0.0.2");
  const std::vector<capture::Frame> frames = rig.frames();
  FrameStore store(2 * FrameStore::kChunkBytes);
  EvidenceRequest all = request(rig.path("all"), "10.0.0.1");
  all.until_ns = 60'000 * kSecond;
  for (size_t i = 0; i < frames.size(); i += 100) store.push({frames.data() + i, 100});
  const uint64_t kept = store.save(all).frames;
  // A frame of 47 bytes takes 72.
  CHECK(kept < frames.size());
  CHECK(kept > FrameStore::kChunkBytes / 72);
  const Seconds seconds = seconds_in(all.path);
  CHECK(seconds.back() == 59'999);
  CHECK(seconds.front() == static_cast<int64_t>(frames.size() - kept));
}

TEST_CASE("evidence: captures are read again") {
  Rig rig;
  rig.udp("10.0.0.1", "10.0.0.2");
  rig.udp("10.0.0.3", "10.0.0.4");
  const std::string input = rig.path("input");
  std::unique_ptr<capture::PcapWriter> writer;
  REQUIRE(capture::PcapWriter::create(input, 1, &writer).ok());
  for (const capture::Frame& frame : rig.frames()) REQUIRE(writer->write(frame).ok());
  REQUIRE(writer->close().ok());
  const std::string first = rig.path("first"), second = rig.path("second");
  const auto results = extract_evidence({input, "/no/such/file"},
                                        {request(first, "10.0.0.1"), request(second, "10.0.0.4")});
  REQUIRE(results.size() == 2);
  CHECK(seconds_in(first) == Seconds{0});
  CHECK(seconds_in(second) == Seconds{1});
}

TEST_CASE("evidence: many captures at once hold what each holds alone") {
  Rig rig;
  for (int i = 0; i < 60; ++i) {
    const std::string from = "10.0." + std::to_string(i % 3) + "." + std::to_string(i % 7);
    const std::string to = "10.0." + std::to_string(i % 2) + "." + std::to_string(i % 5);
    rig.udp(from, to);
  }
  const std::vector<capture::Frame> frames = rig.frames();
  std::vector<EvidenceRequest> requests;
  for (int i = 0; i < 5; ++i) {
    const std::string name = std::to_string(requests.size());
    requests.push_back(request(rig.path("many" + name), "10.0.1." + std::to_string(i)));
  }
  requests.push_back(request(rig.path("twin"), "10.0.1.1"));
  requests.push_back(request(rig.path("network"), "10.0.0.0/23"));
  requests.push_back(request(rig.path("odd"), "10.0.0.0/29", {"10.0.1.3"}));
  requests.push_back(request(rig.path("all"), "0.0.0.0/0"));
  requests.push_back(request(rig.path("early"), "10.0.0.2"));
  requests.back().until_ns = 20 * kSecond;

  std::vector<EvidenceCapture> captures;
  for (const EvidenceRequest& wanted : requests) captures.emplace_back(wanted);
  EvidenceIndex(captures).collect(frames);
  for (EvidenceCapture& capture : captures) REQUIRE(capture.finish().status.ok());
  std::vector<Seconds> together;
  for (const EvidenceRequest& wanted : requests) together.push_back(seconds_in(wanted.path));
  CHECK(together[5] == together[1]);
  CHECK(together[8].size() == frames.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    EvidenceCapture alone(requests[i]);
    EvidenceIndex({&alone, 1}).collect(frames);
    REQUIRE(alone.finish().frames == together[i].size());
    CHECK(seconds_in(requests[i].path) == together[i]);
  }
}

}  // namespace thymus::engine
