// The calls on injectors of TCP resets. Each belongs to the environment that opened it.
#pragma once

#include <napi.h>

namespace thymus::addon {

void export_reset_calls(Napi::Env env, Napi::Object exports);

}  // namespace thymus::addon
