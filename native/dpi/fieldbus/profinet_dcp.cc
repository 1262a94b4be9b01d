#include "dpi/fieldbus/profinet_dcp.h"

#include "base/generated/events/profinet_dcp.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {
namespace {

namespace ids = event::profinet_dcp;

constexpr uint8_t kGet = 3, kSet = 4, kIdentify = 5, kHello = 6;
constexpr uint8_t kRequest = 0;
constexpr int kMaxBlocks = 64;
constexpr uint16_t kVendorName = 0x0201, kStationName = 0x0202, kDeviceId = 0x0203, kRole = 0x0204,
                   kAlias = 0x0206, kIpParameters = 0x0102, kAnswer = 0x0504;

// Option and suboption as one number.
constexpr Service kOptions[] = {{0x0101, "mac_address", Operation::kOther},
                                {0x0102, "ip_parameters", Operation::kWrite},
                                {0x0103, "full_ip_suite", Operation::kWrite},
                                {0x0201, "vendor_name", Operation::kOther},
                                {0x0202, "station_name", Operation::kWrite},
                                {0x0203, "device_id", Operation::kOther},
                                {0x0204, "device_role", Operation::kOther},
                                {0x0205, "device_options", Operation::kOther},
                                {0x0206, "alias_name", Operation::kOther},
                                {0x0207, "device_instance", Operation::kOther},
                                {0x0208, "oem_device_id", Operation::kOther},
                                {0x0501, "start_transaction", Operation::kOther},
                                {0x0502, "end_transaction", Operation::kOther},
                                {0x0503, "signal", Operation::kIdentify},
                                {0x0504, "response", Operation::kOther},
                                {0x0505, "factory_reset", Operation::kControl},
                                {0x0506, "reset_to_factory", Operation::kControl},
                                {0x0601, "device_initiative", Operation::kOther},
                                {0xffff, "all", Operation::kOther}};
static_assert(is_sorted_table(kOptions));

struct Block {
  uint16_t option;
  Bytes value;
};

// Requests to get list options alone; what is set, answered or announced has a number before its
// value.
bool next_block(const ProfinetDcp& message, Reader* r, Block* block) {
  *block = {};
  block->option = r->be16();
  if (message.service == kGet && message.type == kRequest) return r->ok();
  const uint16_t length = r->be16();
  Reader value(r->take(length));
  if (length % 2 != 0 && !r->empty()) r->skip(1);
  const bool is_filter = message.service == kIdentify && message.type == kRequest;
  if (!is_filter && block->option != kAnswer) value.skip(2);
  block->value = value.rest();
  return r->ok() && value.ok();
}

template <typename Use>
bool each_block(const ProfinetDcp& message, Use&& use) {
  Reader r(message.blocks);
  for (int i = 0; i < kMaxBlocks && !r.empty(); ++i) {
    Block block;
    if (!next_block(message, &r, &block)) return false;
    use(block);
  }
  return true;
}

void put_address(uint16_t field, Reader* r, EventWriter* events) {
  const Bytes address = r->take(4);
  if (r->ok()) events->put_ip(field, IpAddress::v4(address.data()));
}

void put_value(const Block& block, EventWriter* events) {
  Reader r(block.value);
  switch (block.option) {
    case kVendorName:
      return events->put_bytes(ids::kVendor, r.rest());
    case kStationName:
    case kAlias:
      return events->put_bytes(ids::kStation, r.rest());
    case kDeviceId:
      events->put(ids::kVendorId, r.be16());
      return events->put(ids::kDeviceId, r.be16());
    case kRole:
      return events->put(ids::kRole, r.u8());
    case kIpParameters:
      put_address(ids::kIp, &r, events);
      put_address(ids::kNetmask, &r, events);
      return put_address(ids::kGateway, &r, events);
    case kAnswer:
      r.skip(2);
      return events->put(ids::kError, r.u8());
    default:
      return;
  }
}

Operation operation_of(const ProfinetDcp& message) {
  if (message.service != kSet || message.type != kRequest) {
    return message.service == kSet ? Operation::kOther : Operation::kIdentify;
  }
  Operation operation = Operation::kOther;
  each_block(message, [&](const Block& block) {
    const Operation asked = service_of(kOptions, block.option).operation;
    if (asked == Operation::kControl || operation == Operation::kOther) operation = asked;
  });
  return operation;
}

}  // namespace

bool is_profinet_dcp(Bytes payload) {
  constexpr uint16_t kFirstFrame = 0xfefc, kLastFrame = 0xfeff;
  const uint16_t frame = Reader(payload).peek_be16();
  return frame >= kFirstFrame && frame <= kLastFrame;
}

//   frame (2)  service (1)  type (1)  number (4)  delay (2)  bytes of blocks (2), then blocks:
//   option (1)  suboption (1)  length (2)  value, made even
bool read_profinet_dcp(Bytes payload, ProfinetDcp* out) {
  *out = {};
  Reader r(payload);
  r.skip(2);
  out->service = r.u8();
  out->type = r.u8();
  out->xid = r.be32();
  r.skip(2);
  out->blocks = r.take(r.be16());
  if (!r.ok() || out->service < kGet || out->service > kHello) return false;
  return each_block(*out, [](const Block&) {});
}

void put_profinet_dcp(const ProfinetDcp& message, EventWriter* events) {
  constexpr std::string_view kServices[] = {"get", "set", "identify", "hello"};
  events->put_text(ids::kOperation, name_of(operation_of(message)));
  events->put_text(ids::kService, kServices[message.service - kGet]);
  events->put_text(ids::kType, message.type == kRequest ? "request"
                               : message.type == 1      ? "response"
                                                        : "unsupported");
  events->put(ids::kXid, message.xid);
  each_block(message, [&](const Block& block) {
    put_name(ids::kOptions, service_of(kOptions, block.option).name, events);
    put_value(block, events);
  });
}

}  // namespace thymus::dpi
