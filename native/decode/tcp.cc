#include "decode/tcp.h"

namespace thymus::decode {

//   kind 0: end of list    kind 1: padding    others: kind (1), length (1, of all), value
void read_syn_options(Walk& walk, Reader options) {
  constexpr uint8_t kEnd = 0, kPadding = 1, kMss = 2, kWindowScale = 3, kMaxShift = 14;
  for (int i = 0; !options.empty(); ++i) {
    const uint8_t kind = options.u8();
    if (i < TcpOptions::kMost) {
      walk.view.tcp_options |= std::min(kind + 1u, TcpOptions::kOther) << 4 * i;
    }
    if (kind == kEnd) return;
    if (kind == kPadding) continue;
    const size_t length = options.u8();
    Reader value(length < 2 ? Bytes{} : options.take(length - 2));
    if (length < 2 || !options.ok()) {
      walk.view.add_anomaly(Anomaly::kTcpOptInvalidLen);
      return;
    }
    if (kind == kMss && length == 4) walk.view.tcp_mss = value.be16();
    if (kind == kWindowScale && length == 3) {
      walk.view.tcp_window_scale = std::min(value.u8(), kMaxShift);
    }
  }
}

}  // namespace thymus::decode
