#include "dpi/tls/versions.h"

namespace thymus::dpi::tls {

std::string_view version_text(uint16_t version) {
  switch (version) {
    case kSsl2:
      return "SSLv2";
    case 0x0300:
      return "SSLv3";
    case 0x0301:
      return "TLSv1";
    case 0x0302:
      return "TLS 1.1";
    case 0x0303:
      return "TLS 1.2";
    case kTls13:
      return "TLS 1.3";
    case 0x7f0e:
      return "TLS 1.3 draft-14";
    case 0x7f0f:
      return "TLS 1.3 draft-15";
    case 0x7f10:
      return "TLS 1.3 draft-16";
    case 0x7f11:
      return "TLS 1.3 draft-17";
    case 0x7f12:
      return "TLS 1.3 draft-18";
    case 0x7f13:
      return "TLS 1.3 draft-19";
    case 0x7f14:
      return "TLS 1.3 draft-20";
    case 0x7f15:
      return "TLS 1.3 draft-21";
    case 0x7f16:
      return "TLS 1.3 draft-22";
    case 0x7f17:
      return "TLS 1.3 draft-23";
    case 0x7f18:
      return "TLS 1.3 draft-24";
    case 0x7f19:
      return "TLS 1.3 draft-25";
    case 0x7f1a:
      return "TLS 1.3 draft-26";
    case 0x7f1b:
      return "TLS 1.3 draft-27";
    case 0x7f1c:
      return "TLS 1.3 draft-28";
    case 0xfb17:
      return "TLS 1.3 draft-23-fb";
    case 0xfb1a:
      return "TLS 1.3 draft-26-fb";
    default:
      return "UNDETERMINED";
  }
}

uint8_t version_fact(uint16_t version) {
  if (is_draft(version)) return version_fact(kTls13);
  return version >> 8 == 3 ? static_cast<uint8_t>((version & 0xff) + 1) : uint8_t{0};
}

}  // namespace thymus::dpi::tls
