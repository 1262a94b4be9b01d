#include "stream/reassembler.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace thymus;
using stream::Reassembler;
namespace fault = thymus::stream::fault;

namespace {

Bytes bytes_of(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

// Both directions of one stream, which remembers what is shown; a gap shows as '_'.
class StreamRig final : public stream::Receiver {
 public:
  explicit StreamRig(size_t limit_bytes = 4 << 20) : own_(limit_bytes), reassembler(own_) {}
  // Shares a reassembler.
  explicit StreamRig(StreamRig* other) : own_(0), reassembler(other->reassembler) {}

  bool on_bytes(Bytes bytes, uint32_t) override {
    REQUIRE(!bytes.empty());
    shown += as_text(bytes);
    return --wants > 0;
  }
  bool on_gap() override {
    shown += '_';
    return survives_gaps;
  }
  stream::Faults push(uint32_t seq, const std::string& data, uint32_t cut_bytes = 0) {
    const auto size = static_cast<uint32_t>(data.size()) + cut_bytes;
    return reassembler.push(0, {seq, bytes_of(data), size, false, false}, &state, this);
  }
  stream::Faults push_syn(uint32_t seq, const std::string& data = "") {
    const auto size = static_cast<uint32_t>(data.size());
    return reassembler.push(0, {seq, bytes_of(data), size, true, false}, &state, this);
  }
  stream::Faults push_fin(uint32_t seq, const std::string& data = "") {
    const auto size = static_cast<uint32_t>(data.size());
    return reassembler.push(0, {seq, bytes_of(data), size, false, true}, &state, this);
  }
  stream::Faults acknowledge(uint32_t ack) { return reassembler.acknowledge(0, ack, &state, this); }
  stream::Faults flush() { return reassembler.flush(0, &state, this); }
  bool is_idle() const { return state.kept == 0; }

 private:
  Reassembler own_;

 public:
  Reassembler& reassembler;
  stream::State state{};
  std::string shown;
  bool survives_gaps = true;
  int wants = 1 << 30;  // pieces
};

using Random = std::mt19937;
size_t below(Random& random, size_t n) { return random() % n; }

std::string random_text(Random& random, size_t n) {
  std::string s(n, ' ');
  for (char& c : s) c = static_cast<char>('a' + below(random, 26));
  return s;
}

struct Cut {
  size_t begin;
  size_t size;
};

// Ranges that cover all of `n` bytes, some of them twice or overlapping, each `disorder` of them in
// any order.
std::vector<Cut> cut_up(Random& random, size_t n, size_t most, size_t disorder) {
  std::vector<Cut> cuts;
  for (size_t at = 0; at < n;) {
    const size_t size = std::min(n - at, 1 + below(random, most));
    cuts.push_back({at, size});
    if (below(random, 4) == 0) cuts.push_back(cuts[below(random, cuts.size())]);
    if (below(random, 4) == 0) {
      const size_t begin = at - std::min(at, below(random, most));
      cuts.push_back({begin, std::min(n - begin, 1 + below(random, 2 * most))});
    }
    at += size;
  }
  for (size_t i = 0; i < cuts.size(); i += disorder) {
    const size_t n_near = std::min(disorder, cuts.size() - i);
    std::shuffle(cuts.begin() + static_cast<ptrdiff_t>(i),
                 cuts.begin() + static_cast<ptrdiff_t>(i + n_near), random);
  }
  return cuts;
}

}  // namespace

TEST_CASE("stream: cut, permuted, repeated and overlapping segments give the data, in order") {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    StreamRig rig;
    const std::string data = random_text(random, 1 + below(random, 6000));
    // Half of the streams wrap.
    const uint32_t first = round % 2 ? static_cast<uint32_t>(random())
                                     : 0u - static_cast<uint32_t>(below(random, data.size() + 1));
    const size_t most = 1 + below(random, 200);
    rig.push_syn(first - 1);
    for (const Cut& cut : cut_up(random, data.size(), most, 1 + below(random, 60))) {
      REQUIRE(rig.push(first + static_cast<uint32_t>(cut.begin),
                       data.substr(cut.begin, cut.size)) == 0);
      REQUIRE(rig.shown == data.substr(0, rig.shown.size()));
    }
    REQUIRE(rig.shown == data);
    REQUIRE(rig.is_idle());
    REQUIRE(rig.reassembler.bytes_waiting() == 0);
  }
}

TEST_CASE("stream: segments larger than a block are kept whole") {
  Random random(2);
  const std::string data = random_text(random, 60'000);
  StreamRig rig;
  rig.push_syn(99);
  CHECK(rig.push(100 + 30'000, data.substr(30'000)) == 0);
  CHECK(rig.push(100 + 1, data.substr(1, 29'999)) == 0);
  CHECK(rig.shown.empty());
  CHECK(rig.push(100, data.substr(0, 1)) == 0);
  CHECK(rig.shown == data);
  CHECK(rig.is_idle());
}

TEST_CASE("stream: of different bytes of one place the first seen are shown") {
  StreamRig rig;
  rig.push_syn(99);
  CHECK(rig.push(105, "FGHIJ") == 0);
  SUBCASE("by a segment before and over what waits") {
    CHECK(rig.push(100, "abcdefghijkl") == fault::kDifferentData);
    CHECK(rig.shown == "abcdeFGHIJkl");
  }
  SUBCASE("by a segment that waits too") {
    CHECK(rig.push(103, "defghijkl") == fault::kDifferentData);
    CHECK(rig.push(100, "abc") == 0);
    CHECK(rig.shown == "abcdeFGHIJkl");
  }
  SUBCASE("the same bytes are no difference") {
    CHECK(rig.push(103, "deFGHIJkl") == 0);
    CHECK(rig.push(100, "abcdeF") == 0);
    CHECK(rig.shown == "abcdeFGHIJkl");
    CHECK(rig.reassembler.counters().different_data == 0);
    return;
  }
  CHECK(rig.reassembler.counters().different_data == 1);
}

TEST_CASE("stream: random overlaps with other data show for each place who came first") {
  Random random(3);
  for (int round = 0; round < 1000; ++round) {
    StreamRig rig;
    const size_t n = 1 + below(random, 2000);
    std::string expected(n, '?');
    rig.push_syn(0xfffffe00u - 1);
    std::vector<Cut> cuts = cut_up(random, n, 1 + below(random, 100), 1 + below(random, 60));
    for (const Cut& cut : cuts) {
      const std::string data = random_text(random, cut.size);
      for (size_t i = 0; i < cut.size; ++i) {
        if (expected[cut.begin + i] == '?') expected[cut.begin + i] = data[i];
      }
      rig.push(0xfffffe00u + static_cast<uint32_t>(cut.begin), data);
    }
    REQUIRE(rig.shown == expected);
  }
}

TEST_CASE(
    "stream: a lost segment is one gap when the receiver has acknowledged what is behind it") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(100, "abc");
  rig.push(106, "ghi");
  rig.push(109, "jkl");
  CHECK(rig.acknowledge(103) == 0);
  CHECK(rig.acknowledge(105) == 0);
  CHECK(rig.shown == "abc");
  CHECK(rig.acknowledge(106) == fault::kGap);
  CHECK(rig.shown == "abc_ghijkl");
  CHECK(rig.push(103, "def") == 0);
  CHECK(rig.push(112, "mno") == 0);
  CHECK(rig.shown == "abc_ghijklmno");
  CHECK(rig.reassembler.counters().gaps == 1);
  CHECK(rig.reassembler.counters().gap_bytes == 3);
  CHECK(rig.is_idle());
}

TEST_CASE("stream: an acknowledgement of the far past or future gives up nothing") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(106, "ghi");
  CHECK(rig.acknowledge(50) == 0);
  CHECK(rig.acknowledge(100u + (1u << 30) + 1) == 0);
  CHECK(rig.acknowledge(100u + (1u << 31)) == 0);
  CHECK(rig.shown.empty());
}

TEST_CASE("stream: what waits at the end is shown behind its gaps") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(100, "a");
  rig.push(102, "c");
  rig.push(104, "e");
  CHECK(rig.flush() == fault::kGap);
  CHECK(rig.shown == "a_c_e");
  CHECK(rig.is_idle());
}

TEST_CASE("stream: each lost segment of a long stream is one gap, the rest is shown once") {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    StreamRig rig;
    const std::string data = random_text(random, 5000);
    std::string expected;
    bool before = true;
    rig.push_syn(0xfffff000u);
    for (size_t at = 0; at < data.size(); at += 50) {
      const bool lost = at + 50 < data.size() && below(random, 10) == 0;
      if (!lost) {
        if (!before) expected += '_';
        expected += data.substr(at, 50);
        rig.push(0xfffff001u + static_cast<uint32_t>(at), data.substr(at, 50));
        if (below(random, 3) == 0) rig.acknowledge(0xfffff001u + static_cast<uint32_t>(at) + 50);
      }
      before = !lost;
    }
    rig.flush();
    REQUIRE(rig.shown == expected);
  }
}

TEST_CASE("stream: without a SYN the first segment is the beginning") {
  StreamRig rig;
  CHECK(rig.push(0xffffffff, "ab") == 0);
  CHECK(rig.push(1, "cd") == 0);
  CHECK(rig.push(0xfffffff0, "older") == 0);
  CHECK(rig.shown == "abcd");
}

TEST_CASE("stream: a SYN-ACK tells where the other side begins") {
  StreamRig rig;
  rig.reassembler.expect_first(0, 100, &rig.state);
  rig.push(103, "def");
  rig.push(100, "abc");
  CHECK(rig.shown == "abcdef");
  rig.reassembler.expect_first(0, 500, &rig.state);
  rig.push(106, "ghi");
  CHECK(rig.shown == "abcdefghi");
}

TEST_CASE("stream: data of a SYN come behind its number, also when they are sent again") {
  StreamRig rig;
  rig.push_syn(99, "abc");
  CHECK(rig.shown == "abc");
  rig.push_syn(99, "abc");
  rig.push(100, "abcdef");
  CHECK(rig.shown == "abcdef");
}

TEST_CASE("stream: a second SYN counts while no data were seen") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push_syn(499);
  rig.push(500, "abc");
  rig.push_syn(799);
  rig.push(503, "def");
  CHECK(rig.shown == "abcdef");
}

TEST_CASE("stream: nothing follows a FIN, though it comes early") {
  StreamRig rig;
  rig.push_syn(99);
  SUBCASE("in order") {
    rig.push_fin(100, "abcdef");
    rig.push(106, "gh");
  }
  SUBCASE("before the data") {
    rig.push_fin(103, "def");
    rig.push(106, "gh");
    rig.push(100, "abc");
    rig.push(106, "gh");
  }
  SUBCASE("after data that lie behind it") {
    rig.push(106, "gh");
    rig.push_fin(103, "def");
    rig.push(100, "abc");
  }
  SUBCASE("over data") {
    rig.push_fin(106);
    rig.push(103, "defgh");
    rig.push(100, "abcdefgh");
  }
  CHECK(rig.shown == "abcdef");
  CHECK(rig.is_idle());
  CHECK(rig.reassembler.bytes_waiting() == 0);
  rig.push_fin(106);
  CHECK(rig.shown == "abcdef");
}

TEST_CASE("stream: what the snap length cut off is a gap that nobody waits for") {
  StreamRig rig;
  rig.push_syn(99);
  SUBCASE("in order") {
    rig.push(100, "abc", 3);
    CHECK(rig.shown == "abc");
    rig.push(106, "ghi", 3);
    rig.push(112, "mno");
  }
  SUBCASE("waiting") {
    rig.push(106, "ghi", 3);
    rig.push(112, "mno");
    rig.push(100, "abc", 3);
  }
  SUBCASE("a longer copy comes while the rest waits") {
    rig.push(106, "ghi", 3);
    rig.push(112, "mno");
    rig.push(109, "jkl");
    rig.push(100, "abc", 3);
    CHECK(rig.shown == "abc_ghijklmno");
    return;
  }
  CHECK(rig.shown == "abc_ghi_mno");
  CHECK(rig.reassembler.counters().gaps == 0);
}

TEST_CASE("stream: segments with nothing captured move on") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(100, "", 1000);
  rig.push(1100, "abc");
  CHECK(rig.shown == "_abc");
}

TEST_CASE("stream: far segments are ignored and counted") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(100u + (1u << 30) + 1, "far");
  rig.push(100u + (1u << 31), "far");
  CHECK(rig.is_idle());
  CHECK(rig.reassembler.counters().ignored == 2);
}

TEST_CASE("stream: a receiver that wants no more gets no more, and nothing waits") {
  StreamRig rig;
  rig.push_syn(99);
  rig.push(103, "def");
  rig.push(109, "jkl");
  SUBCASE("after bytes") {
    rig.wants = 1;
    rig.push(100, "abc");
    CHECK(rig.shown == "abc");
  }
  SUBCASE("after a gap") {
    rig.survives_gaps = false;
    rig.acknowledge(103);
    CHECK(rig.shown == "_");
  }
  CHECK(rig.is_idle());
  CHECK(rig.reassembler.bytes_waiting() == 0);
}

TEST_CASE("stream: a direction keeps at most its share; then the hole is given up") {
  StreamRig rig;
  rig.push_syn(99);
  for (uint32_t i = 0; i < Reassembler::kMostPieces; ++i) CHECK(rig.push(200 + 2 * i, "x") == 0);
  CHECK(rig.shown.empty());
  CHECK(rig.push(200 + 2 * Reassembler::kMostPieces, "y") == (fault::kLimit | fault::kGap));
  CHECK(rig.shown == "_x");
  CHECK(rig.reassembler.counters().limit_reached == 1);
  rig.flush();
  CHECK(std::count(rig.shown.begin(), rig.shown.end(), 'x') == Reassembler::kMostPieces);
  CHECK(rig.shown.back() == 'y');

  StreamRig bulk;
  bulk.push_syn(99);
  const std::string data(1448, 'z');
  for (uint32_t at = 200; at < 4'000'000; at += 1448) {
    bulk.push(at, data);
    REQUIRE(bulk.reassembler.bytes_waiting() <=
            Reassembler::kMostPieces * Reassembler::kBlockBytes);
  }
  CHECK(bulk.reassembler.counters().gaps == 1);
  CHECK(bulk.reassembler.counters().limit_reached == 1);
}

TEST_CASE("stream: all flows share a bounded pool, and a flow without room goes on") {
  StreamRig first(64 * Reassembler::kBlockBytes);
  std::vector<std::unique_ptr<StreamRig>> rigs;
  for (int i = 0; i < 500; ++i) rigs.push_back(std::make_unique<StreamRig>(&first));
  for (auto& rig : rigs) {
    rig->push_syn(99);
    rig->push(102, "c");
    rig->push(104, "e");
    REQUIRE(first.reassembler.bytes_waiting() <= 64 * Reassembler::kBlockBytes);
  }
  CHECK(first.reassembler.counters().limit_reached > 0);
  for (auto& rig : rigs) {
    rig->flush();
    REQUIRE(rig->shown == "_c_e");
    REQUIRE(rig->is_idle());
  }
  CHECK(first.reassembler.bytes_waiting() == 0);
}

TEST_CASE("stream: noise neither breaks the order nor the limits") {
  Random random(5);
  StreamRig rig(32 * Reassembler::kBlockBytes);
  for (int i = 0; i < 200'000; ++i) {
    const uint32_t seq = rig.state.next[0] + static_cast<uint32_t>(below(random, 20'000)) - 1000;
    const std::string data(below(random, 1500), 'n');
    switch (below(random, 40)) {
      case 0:
        rig.acknowledge(seq);
        break;
      case 1:
        rig.flush();
        break;
      default:
        rig.push(seq, data, below(random, 4) == 0 ? static_cast<uint32_t>(below(random, 500)) : 0);
    }
    REQUIRE(rig.reassembler.bytes_waiting() <= 32 * Reassembler::kBlockBytes);
    if (i % 1000 == 0) rig.shown.clear();
  }
  rig.flush();
  CHECK(rig.is_idle());
  CHECK(rig.reassembler.bytes_waiting() == 0);
}
