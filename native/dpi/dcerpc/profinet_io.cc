#include "dpi/dcerpc/profinet_io.h"

#include <algorithm>

namespace thymus::dpi {
namespace {

constexpr Service kServices[] = {
    {0, "connect", Operation::kOther},   {1, "release", Operation::kOther},
    {2, "read", Operation::kRead},       {3, "write", Operation::kWrite},
    {4, "control", Operation::kControl}, {5, "read_implicit", Operation::kRead}};
static_assert(is_sorted_table(kServices));

}  // namespace

// dea0000n-6c97-11d1-8271-...: the first three parts in the order of the sender.
bool is_profinet_io(Bytes uuid, bool is_little) {
  constexpr uint8_t kBig[] = {0x6c, 0x97, 0x11, 0xd1};
  constexpr uint8_t kLittle[] = {0x97, 0x6c, 0xd1, 0x11};
  constexpr uint32_t kFirst = 0xdea00001, kLast = 0xdea00004;
  Reader r(uuid);
  const uint32_t number = is_little ? r.le32() : r.be32();
  const Bytes parts = r.take(4);
  const uint16_t rest = r.be16();
  if (!r.ok() || number < kFirst || number > kLast || rest != 0x8271) return false;
  return std::equal(parts.begin(), parts.end(), is_little ? kLittle : kBig);
}

//   arguments (20)  block: type (2)  length (2)  version (2)  sequence (2)  relation (16)
//   interface (4)  slot (2)  subslot (2)  zero (2)  index (2); big-endian
ProfinetIoCall read_profinet_io(uint16_t opnum, Bytes stub) {
  constexpr size_t kArgumentBytes = 20;
  constexpr uint16_t kWriteBlock = 0x0008, kReadBlock = 0x0009;
  ProfinetIoCall call{};
  call.is_there = true;
  call.opnum = opnum;
  Reader r(stub);
  r.skip(kArgumentBytes);
  const uint16_t type = r.be16();
  r.skip(6 + 16 + 4);
  call.slot = r.be16();
  call.subslot = r.be16();
  r.skip(2);
  call.index = r.be16();
  call.has_record = r.ok() && (type == kWriteBlock || type == kReadBlock);
  return call;
}

Service profinet_io_service(uint16_t opnum) { return service_of(kServices, opnum); }

}  // namespace thymus::dpi
