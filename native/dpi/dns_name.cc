#include "dpi/dns_name.h"

#include <algorithm>
#include <cstring>

namespace thymus::dpi {
namespace {

// Labels and pointers of one name: bounds the work that a chain of pointers can cause.
constexpr int kMaxSteps = 255;

constexpr uint8_t kKindMask = 0xc0;
constexpr uint8_t kLabel = 0x00;
constexpr uint8_t kPointer = 0xc0;

}  // namespace

bool DnsName::append(Bytes label) {
  const size_t dot = size_ > 0 ? 1 : 0;
  if (kMaxBytes - size_ < dot) return false;
  if (dot > 0) text_[size_++] = '.';
  const size_t n = std::min(label.size(), kMaxBytes - size_);
  if (n > 0) std::memcpy(text_ + size_, label.data(), n);
  size_ += n;
  return n == label.size();
}

bool read_dns_name(Reader* message, DnsName* name, DnsFaults* faults) {
  name->clear();
  Reader walk = *message;
  bool end_known = false;
  size_t lowest = message->offset();
  for (int step = 0; step < kMaxSteps; ++step) {
    const uint8_t lead = walk.u8();
    if (walk.ok() && lead == 0) {
      if (!end_known) *message = walk;
      return true;
    }
    if ((lead & kKindMask) == kLabel) {
      const Bytes label = walk.take(lead);
      if (walk.ok() && !name->append(label)) faults->add(anomaly_code::kDnsNameTooLong);
    } else if ((lead & kKindMask) == kPointer) {
      const size_t target = static_cast<size_t>(lead & 0x3f) << 8 | walk.u8();
      if (walk.ok() && !end_known) {
        *message = walk;
        end_known = true;
      }
      if (walk.ok() && target >= lowest) {
        faults->add(anomaly_code::kDnsInfiniteLoop);
        return end_known;
      }
      lowest = target;
      if (walk.ok()) walk.seek(target);
    } else {
      walk.fail();
    }
    if (!walk.ok()) {
      faults->add(anomaly_code::kDnsMalformedData);
      return end_known;
    }
  }
  faults->add(anomaly_code::kDnsTooManyLabels);
  return end_known;
}

}  // namespace thymus::dpi
