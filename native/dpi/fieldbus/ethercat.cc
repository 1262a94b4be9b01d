#include "dpi/fieldbus/ethercat.h"

#include "base/generated/events/ethercat.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {
namespace {

constexpr std::string_view kCommands[] = {"nop",  "aprd", "apwr", "aprw", "fprd",
                                          "fpwr", "fprw", "brd",  "bwr",  "brw",
                                          "lrd",  "lwr",  "lrw",  "armw", "frmw"};

// Those that write, or read one slave and write to the others.
constexpr uint16_t kWrites = 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 9 | 1u << 11 |
                             1u << 12 | 1u << 13 | 1u << 14;

}  // namespace

//   length (11 bits)  reserved (1)  type (4), then datagrams, all little-endian:
//   command (1)  index (1)  address (4)  length and, in the highest bit, more (2)  interrupt (2)
//   data  working counter (2)
bool read_ethercat(Bytes payload, Ethercat* out) {
  constexpr uint16_t kLengthMask = 0x07ff, kMore = 0x8000;
  constexpr uint8_t kCommandType = 1;
  *out = {};
  Reader frame(payload);
  const uint16_t header = frame.le16();
  if (!frame.ok() || header >> 12 != kCommandType) return false;
  Reader r(frame.take(header & kLengthMask));
  bool has_more = true;
  while (has_more) {
    const uint8_t command = r.u8();
    r.skip(5);
    const uint16_t length = r.le16();
    r.skip(2 + size_t{length & 0x07ffu} + 2);
    if (!r.ok() || command >= std::size(kCommands)) return false;
    out->commands = static_cast<uint16_t>(out->commands | 1u << command);
    ++out->n_datagrams;
    has_more = (length & kMore) != 0;
  }
  return true;
}

void put_ethercat(const Ethercat& frame, EventWriter* events) {
  namespace ids = event::ethercat;
  const bool writes = (frame.commands & kWrites) != 0;
  events->put_text(ids::kOperation, name_of(writes ? Operation::kWrite : Operation::kRead));
  events->put(ids::kDatagrams, frame.n_datagrams);
  for (size_t i = 0; i < std::size(kCommands); ++i) {
    if ((frame.commands >> i & 1) != 0) events->put_text(ids::kCommands, kCommands[i]);
  }
}

}  // namespace thymus::dpi
