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

}  // namespace thymus::dpi
