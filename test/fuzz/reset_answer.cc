// Answers frames of a tap. Input: what is a target (1: bit 0 takes a port, bit 1 IPv6, the rest is
// how many bytes the capture cut off), frame.
#include <cstdlib>
#include <memory>

#include "inject/reset_answerer.h"

namespace {

using namespace thymus;

void require(bool holds) {
  if (!holds) std::abort();
}

// 10.0.0.1 and 10.0.0.2, or the last 32 bits of such IPv6 addresses.
IpAddress address(bool is_v6, uint8_t last) {
  const uint8_t v4[4] = {10, 0, 0, last};
  const uint8_t v6[16] = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
  return is_v6 ? IpAddress::v6(v6) : IpAddress::v4(v4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input(Bytes{data, size});
  const uint8_t choice = input.u8();
  if (!input.ok()) return 0;
  const Bytes rest = input.rest();
  const auto frame = std::make_unique<uint8_t[]>(rest.size());
  std::copy(rest.begin(), rest.end(), frame.get());

  const bool is_v6 = choice & 2;
  const inject::ResetTarget target{address(is_v6, 1), address(is_v6, 2),
                                   static_cast<uint16_t>(choice & 1 ? 80 : 0)};
  inject::ResetAnswerer answerer(1000, {1, 2});
  answerer.set_targets({&target, 1});
  const auto origlen = static_cast<uint32_t>(rest.size() + (choice >> 2));
  for (int64_t now_ns = 1; now_ns < 5'000'000'000; now_ns += 2'000'000'000) {
    const inject::Answer answer =
        answerer.answer({frame.get(), rest.size()}, origlen, now_ns, {{2, 0, 0, 0, 0, 9}, {}});
    require(answer.n == 0 || answer.n == 2);
    for (size_t i = 0; i < answer.n; ++i) {
      const Bytes reset = answer.frames[i].bytes();
      decode::PacketView view;
      decode::decode_frame(1, reset, static_cast<uint32_t>(reset.size()),
                           {.verify_checksums = true}, &view);
      require(view.transport_ok && !view.bad_checksum && target.covers(view));
      require(answerer.answer(reset, static_cast<uint32_t>(reset.size()), now_ns, {}).n == 0);
    }
  }
  return 0;
}
