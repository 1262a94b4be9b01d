// The lists parsers.def and apps.def as values.
#include "dpi/app.h"
#include "dpi/parser.h"

namespace thymus::dpi {

#define PARSER(value) extern const Parser value;
#include "dpi/parsers.def"
#undef PARSER

std::span<const Parser* const> parsers() {
  static constexpr const Parser* kAll[] = {
#define PARSER(value) &value,
#include "dpi/parsers.def"
#undef PARSER
  };
  return kAll;
}

const char* app_name(AppId app) {
  switch (app) {
#define APP(id, number, name, category) \
  case AppId::id:                       \
    return name;
#include "dpi/apps.def"
#undef APP
  }
  return "unknown";
}

AppId app_of_ip_protocol(uint8_t protocol) {
  constexpr uint8_t kIgmpNumber = 2, kEspNumber = 50, kOspfNumber = 89, kVrrpNumber = 112;
  switch (protocol) {
    case kIgmpNumber:
      return AppId::kIgmp;
    case kEspNumber:
      return AppId::kEsp;
    case kOspfNumber:
      return AppId::kOspf;
    case kVrrpNumber:
      return AppId::kVrrp;
    default:
      return AppId::kUnknown;
  }
}

}  // namespace thymus::dpi
