// Reading arguments that JavaScript has checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <napi.h>

namespace thymus::addon {

inline uint32_t u32(const Napi::Object& o, const char* name) {
  return o.Get(name).ToNumber().Uint32Value();
}

inline std::vector<std::string> strings(const Napi::Value& value) {
  std::vector<std::string> out;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    out.push_back(array.Get(i).ToString().Utf8Value());
  }
  return out;
}

inline Napi::Value fail(Napi::Env env, const std::string& message) {
  Napi::Error::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace thymus::addon
