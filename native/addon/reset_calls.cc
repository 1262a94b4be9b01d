#include "addon/reset_calls.h"

#include <algorithm>

#include "addon/arguments.h"
#include "addon/environment.h"

namespace thymus::addon {
namespace {

IpAddress address_of(const Napi::Value& text) {
  Prefix prefix;
  parse_prefix(text.ToString().Utf8Value(), &prefix);
  return prefix.address;
}

uint16_t port_of(const Napi::Value& port) {
  return port.IsNull() ? uint16_t{0} : static_cast<uint16_t>(port.ToNumber().Uint32Value());
}

inject::ResetTarget target_of(const Napi::Object& o) {
  inject::ResetTarget target;
  target.host = address_of(o.Get("host"));
  if (const Napi::Value peer = o.Get("peer"); !peer.IsNull()) target.peer = address_of(peer);
  target.peer_port = port_of(o.Get("peerPort"));
  const auto spared = o.Get("spared").As<Napi::Array>();
  for (uint32_t i = 0; i < spared.Length(); ++i) {
    const auto edge = spared.Get(i).As<Napi::Object>();
    target.spared.push_back(
        {address_of(edge.Get("from")), address_of(edge.Get("to")), port_of(edge.Get("port"))});
  }
  return target;
}

// Null, with an exception under way, when it is closed.
inject::ResetInjector* injector_of(const Napi::CallbackInfo& info) {
  auto& injectors = info.Env().GetInstanceData<Environment>()->injectors;
  const auto found = injectors.find(info[0].ToNumber().Uint32Value());
  if (found != injectors.end()) return found->second.get();
  fail(info.Env(), "This injector is closed.");
  return nullptr;
}

Napi::Value open_injector(const Napi::CallbackInfo& info) {
  const auto o = info[0].As<Napi::Object>();
  inject::InjectorOptions options;
  options.tap = o.Get("tap").ToString().Utf8Value();
  options.out = o.Get("out").ToString().Utf8Value();
  options.resets_per_second = u32(o, "resetsPerSecond");
  if (const Napi::Value mac = o.Get("nextHop"); mac.IsTypedArray()) {
    const auto bytes = mac.As<Napi::Uint8Array>();
    if (bytes.ByteLength() != 6) return fail(info.Env(), "A hardware address has 6 bytes.");
    std::copy_n(bytes.Data(), 6, options.next_hop.emplace().begin());
  }
  std::unique_ptr<inject::ResetInjector> injector;
  if (const Status status = inject::ResetInjector::open(options, &injector); !status.ok()) {
    const Napi::Error error = Napi::Error::New(info.Env(), status.message());
    error.Set("isLasting",
              Napi::Boolean::New(info.Env(), status.code() != StatusCode::kIo &&
                                                 status.code() != StatusCode::kNotFound));
    error.ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto* const environment = info.Env().GetInstanceData<Environment>();
  const uint32_t handle = environment->next_injector++;
  environment->injectors.emplace(handle, std::move(injector));
  return Napi::Number::New(info.Env(), handle);
}

Napi::Value set_targets(const Napi::CallbackInfo& info) {
  inject::ResetInjector* const injector = injector_of(info);
  if (injector == nullptr) return info.Env().Undefined();
  const auto array = info[1].As<Napi::Array>();
  if (array.Length() > inject::kMostTargets) return fail(info.Env(), "Too many targets.");
  std::vector<inject::ResetTarget> targets;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    targets.push_back(target_of(array.Get(i).As<Napi::Object>()));
  }
  const Status status = injector->set_targets(std::move(targets));
  return status.ok() ? info.Env().Undefined() : fail(info.Env(), status.message());
}

Napi::Value state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  inject::ResetInjector* const injector = injector_of(info);
  if (injector == nullptr) return env.Undefined();
  const inject::InjectorState s = injector->state();
  const auto number = [env](uint64_t v) { return Napi::Number::New(env, static_cast<double>(v)); };
  auto out = Napi::Object::New(env);
  out.Set("isListening", Napi::Boolean::New(env, s.is_listening));
  out.Set("segments", number(s.counts.segments));
  out.Set("answered", number(s.counts.answered));
  out.Set("heldBack", number(s.counts.held_back));
  out.Set("unanswerable", number(s.counts.unanswerable));
  out.Set("sent", number(s.sent));
  out.Set("sendFailures", number(s.send_failures));
  out.Set("kernelDrops", number(s.kernel_drops));
  auto targets = Napi::Array::New(env, s.answered.size());
  for (uint32_t i = 0; i < s.answered.size(); ++i) {
    auto target = Napi::Object::New(env);
    target.Set("answered", number(s.answered[i]));
    target.Set("isOutlived", Napi::Boolean::New(env, s.outlived[i]));
    targets.Set(i, target);
  }
  out.Set("targets", targets);
  return out;
}

Napi::Value close_injector(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<Environment>()->injectors.erase(info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

}  // namespace

void export_reset_calls(Napi::Env env, Napi::Object exports) {
  exports.Set("openInjector", Napi::Function::New(env, open_injector));
  exports.Set("setResetTargets", Napi::Function::New(env, set_targets));
  exports.Set("injectorState", Napi::Function::New(env, state));
  exports.Set("closeInjector", Napi::Function::New(env, close_injector));
}

}  // namespace thymus::addon
