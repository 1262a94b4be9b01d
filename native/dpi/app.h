// Application protocol numbers and names. The list is apps.def.
#pragma once

#include <cstdint>

namespace thymus::dpi {

enum class AppId : uint16_t {
#define APP(id, number, name, category) id = number,
#include "dpi/apps.def"
#undef APP
};

const char* app_name(AppId app);

// What a protocol right above IP is by its number alone (IANA, assigned internet protocol numbers);
// kUnknown where the content must tell.
AppId app_of_ip_protocol(uint8_t protocol);

// The flow keeps this name whatever is found in what it carries.
constexpr bool is_carrier(AppId app) {
  return app == AppId::kSocks || app == AppId::kRdp || app == AppId::kPgsql ||
         app == AppId::kMysql || app == AppId::kTds;
}

}  // namespace thymus::dpi
