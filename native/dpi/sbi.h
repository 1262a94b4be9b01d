// Calls between the functions of a 5G core over HTTP (3GPP TS 29.500, 29.501): which service is
// asked for what.
#pragma once

#include <string_view>

#include "dpi/context.h"

namespace thymus::dpi {

// Whether a request's target is one of them: "/nudm-sdm/v2/...", with or without scheme and host.
bool is_service_target(std::string_view target);

// Writes service, version and resource of a call, and whom it is about, as the object `sbi` of the
// event http under construction. The target's identities leave as the options say.
void write_service_call(std::string_view target, Context* context);

}  // namespace thymus::dpi
