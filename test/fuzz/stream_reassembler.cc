// Fuzzes TCP reassembly against a plain model. Each step takes an action (1), a place relative to
// the start (2) and a size (1); a byte's value follows from its place, so that what is shown must
// be rising parts of one known sequence.
#include <cstdlib>
#include <vector>

#include "stream/reassembler.h"

using namespace thymus;

namespace {

constexpr uint32_t kFirst = 0xffffc000;  // places wrap in the middle of their range
constexpr size_t kLimit = 16 * stream::Reassembler::kBlockBytes;

uint8_t value_at(uint32_t seq) { return static_cast<uint8_t>(seq * 31 ^ seq >> 8); }

void require(bool holds) {
  if (!holds) std::abort();
}

class Checker final : public stream::Receiver {
 public:
  bool on_bytes(Bytes bytes, uint32_t) override {
    require(!bytes.empty());
    const uint32_t end = state->next[dir];
    uint32_t seq = end - static_cast<uint32_t>(bytes.size());
    require(is_started ? after_gap ? static_cast<int32_t>(seq - reached) > 0 : seq == reached
                       : true);
    is_started = true;
    after_gap = false;
    reached = end;
    for (const uint8_t b : bytes) require(b == value_at(seq++));
    return --wants > 0;
  }
  bool on_gap() override {
    require(!after_gap);
    after_gap = true;
    return true;
  }

  const stream::State* state = nullptr;
  int dir = 0;
  int wants = 1 << 30;
  bool is_started = false;
  bool after_gap = false;
  uint32_t reached = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  stream::Reassembler reassembler(kLimit);
  stream::State state{};
  Checker checkers[2];
  Reader r(Bytes{data, size});
  for (int dir = 0; dir < 2; ++dir) {
    checkers[dir].state = &state;
    checkers[dir].dir = dir;
  }
  checkers[0].wants = r.u8() < 200 ? 1 << 30 : 5;
  while (!r.empty()) {
    const uint8_t action = r.u8();
    const uint32_t seq = kFirst + r.be16();
    const size_t n = size_t{r.u8()} * (action & 0x40 ? 64 : 1);
    const int dir = action & 1;
    if (checkers[dir].wants <= 0) break;
    if ((action & 0x0e) == 2) {
      reassembler.acknowledge(dir, seq, &state, &checkers[dir]);
    } else if ((action & 0x0e) == 4) {
      reassembler.flush(dir, &state, &checkers[dir]);
      continue;
    } else {
      const bool is_syn = (action & 0x3e) == 6, is_fin = (action & 0x3e) == 8;
      std::vector<uint8_t> payload(n);
      for (size_t i = 0; i < n; ++i) {
        payload[i] = value_at(seq + static_cast<uint32_t>(i) + (is_syn ? 1 : 0));
      }
      const auto cut = action & 0x80 ? static_cast<uint32_t>(n) : 0;
      reassembler.push(dir, {seq, payload, static_cast<uint32_t>(n) + cut, is_syn, is_fin}, &state,
                       &checkers[dir]);
    }
    require(reassembler.bytes_waiting() <= kLimit);
  }
  for (int dir = 0; dir < 2; ++dir) {
    if (checkers[0].wants > 0) reassembler.flush(dir, &state, &checkers[dir]);
  }
  reassembler.forget(&state);
  require(reassembler.bytes_waiting() == 0);
  return 0;
}
