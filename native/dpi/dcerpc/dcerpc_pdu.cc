#include "dpi/dcerpc/dcerpc_pdu.h"

namespace thymus::dpi {
namespace {

constexpr std::string_view kTypes[] = {
    "REQUEST",   "PING",     "RESPONSE",      "FAULT",
    "WORKING",   "NOCALL",   "REJECT",        "ACK",
    "CL_CANCEL", "FACK",     "CANCEL_ACK",    "BIND",
    "BINDACK",   "BINDNAK",  "ALTER_CONTEXT", "ALTER_CONTEXT_RESP",
    "AUTH3",     "SHUTDOWN", "CO_CANCEL",     "ORPHANED",
    "RTS",
};
static_assert(std::size(kTypes) == kLastDcerpcType + 1);

constexpr uint8_t kVersion = 5;
constexpr uint8_t kLittleEndian = 0x10;
constexpr size_t kSyntaxBytes = 20;  // a UUID and a version

}  // namespace

std::string_view dcerpc_type_name(uint8_t type) {
  return type < std::size(kTypes) ? kTypes[type] : "UNKNOWN";
}

bool DcerpcHeader::is_from_client() const {
  return is(DcerpcType::kRequest) || is(DcerpcType::kBind) || is(DcerpcType::kAlterContext) ||
         type == 16 || type == 18 || type == 19;
}

bool read_dcerpc_header(Bytes bytes, DcerpcHeader* header) {
  Reader start(bytes);
  const uint8_t version = start.u8();
  header->minor_version = start.u8();
  header->type = start.u8();
  header->flags = start.u8();
  const uint8_t drep = start.u8();
  const uint8_t floats = start.u8();
  start.skip(2);
  header->is_little = (drep & kLittleEndian) != 0;
  DcerpcReader r(start.rest(), header->is_little);
  header->fragment_bytes = r.u16();
  const uint16_t auth_bytes = r.u16();
  header->call_id = r.u32();
  return r.ok() && version == kVersion && header->minor_version <= 1 &&
         header->type <= kLastDcerpcType && (drep & ~(kLittleEndian | 1)) == 0 && floats <= 3 &&
         header->fragment_bytes >= DcerpcHeader::kBytes && auth_bytes < header->fragment_bytes;
}

TextBuilder<36> DcerpcUuid::text() const {
  TextBuilder<36> text;
  DcerpcReader r(bytes, is_little);
  text.add_hex_number(r.u32(), 8).add('-');
  text.add_hex_number(r.u16(), 4).add('-');
  text.add_hex_number(r.u16(), 4).add('-');
  return text.add_hex(r.take(2)).add('-').add_hex(r.take(6));
}

TextBuilder<16> DcerpcInterface::version_text() const {
  TextBuilder<16> text;
  return text.add_number(version).add('.').add_number(minor_version);
}

bool DcerpcInterfaces::on_bind(const DcerpcHeader& header, Bytes body) {
  DcerpcReader r(body, header.is_little);
  r.skip(8);
  const uint8_t n = r.u8();
  r.skip(3);
  for (uint8_t i = 0; i < n; ++i) {
    DcerpcInterface entry{};
    entry.call_id = header.call_id;
    entry.position = i;
    entry.context = r.u16();
    const uint8_t n_syntaxes = r.u8();
    r.skip(1);
    const Bytes uuid = r.take(entry.uuid.bytes.size());
    entry.version = r.u16();
    entry.minor_version = r.u16();
    r.skip(n_syntaxes * kSyntaxBytes);
    if (!r.ok()) return false;
    std::copy(uuid.begin(), uuid.end(), entry.uuid.bytes.begin());
    entry.uuid.is_little = header.is_little;
    add(entry);
  }
  return r.ok();
}

void DcerpcInterfaces::add(const DcerpcInterface& entry) {
  for (size_t i = 0; i < size_; ++i) {
    if (entries_[i].context == entry.context) {
      entries_[i] = entry;
      return;
    }
  }
  if (size_ < kMax) entries_[size_++] = entry;
}

bool DcerpcInterfaces::on_ack(const DcerpcHeader& header, Bytes body) {
  DcerpcReader r(body, header.is_little);
  r.skip(8);
  r.skip(r.u16());
  r.skip((4 - r.offset() % 4) % 4);
  const uint8_t n = r.u8();
  r.skip(3);
  for (uint8_t i = 0; i < n; ++i) {
    const uint16_t result = r.u16(), reason = r.u16();
    r.skip(kSyntaxBytes);
    if (!r.ok()) return false;
    for (size_t k = 0; k < size_; ++k) {
      DcerpcInterface& entry = entries_[k];
      if (entry.call_id != header.call_id || entry.position != i) continue;
      entry.ack_result = result;
      entry.ack_reason = reason;
      entry.is_acked = true;
    }
  }
  return r.ok();
}

}  // namespace thymus::dpi
