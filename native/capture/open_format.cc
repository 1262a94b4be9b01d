#include "capture/format.h"
#include "capture/pcap_format.h"
#include "capture/pcapng_format.h"

namespace thymus::capture {
namespace {

constexpr size_t kMagicBytes = 4;

Status not_a_capture(const std::string& sentence) {
  return Status(StatusCode::kNotACapture, sentence);
}

Status too_short(const std::string& name, const ByteSupply& supply, size_t has, size_t needs) {
  std::string why = supply.error().empty() ? "" : " because " + supply.error();
  return not_a_capture(name + " ends within its file header" + why + " (" + std::to_string(has) +
                       " of " + std::to_string(needs) + " bytes); copy or record it again");
}

Status open_pcap(ByteSupply* supply, const std::string& name, std::unique_ptr<Format>* format) {
  Bytes header = supply->advance(0, kPcapHeaderBytes);
  if (header.size() < kPcapHeaderBytes) {
    return too_short(name, *supply, header.size(), kPcapHeaderBytes);
  }
  *format = make_pcap_format(header.first(kPcapHeaderBytes));
  if (*format) return {};
  return not_a_capture(name + " is a pcap of an unknown version; convert it to pcap 2.4 or pcapng");
}

Status open_pcapng(ByteSupply* supply, const std::string& name, std::unique_ptr<Format>* format) {
  Bytes header = supply->advance(0, kPcapngHeaderBytes);
  if (header.size() < kPcapngHeaderBytes) {
    return too_short(name, *supply, header.size(), kPcapngHeaderBytes);
  }
  if (!is_pcapng_section(header)) {
    return not_a_capture(name +
                         " starts with a pcapng section header that is broken or of an unknown "
                         "version; copy it again or convert it to pcapng 1.0");
  }
  *format = make_pcapng_format();
  return {};
}

}  // namespace

Status open_format(ByteSupply* supply, const std::string& name, std::unique_ptr<Format>* format,
                   size_t* header_bytes) {
  Bytes head = supply->advance(0, kMagicBytes);
  if (head.empty() && !supply->error().empty()) {
    return Status(StatusCode::kIo, name + " cannot be read: " + supply->error() +
                                       "; check the disk or copy the file again");
  }
  if (head.empty()) {
    return not_a_capture(name + " is empty; record or copy it again");
  }
  if (is_pcap_magic(head)) {
    *header_bytes = kPcapHeaderBytes;
    return open_pcap(supply, name, format);
  }
  if (is_pcapng_magic(head)) {
    *header_bytes = 0;  // the first section header is a block like the others
    return open_pcapng(supply, name, format);
  }
  return not_a_capture(name + " is no capture; give pcap or pcapng, plain or as .gz or .zst");
}

}  // namespace thymus::capture
