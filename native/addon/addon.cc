// The N-API door: options in, batches out. src/engine/addon_types.ts says what each call does;
// src/engine/binding.ts checks arguments, so here they are only read.
//
// State is per process (registry.h). The environment that opened an engine aborts it when it goes,
// so that a worker that dies or a process that exits leaves no thread waiting.
#include <functional>
#include <memory>

#include <napi.h>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "addon/reset_calls.h"
#include "capture/live/interfaces.h"
#include "engine/memory.h"
#include "engine/service_notice.h"
#include "flow/community_id.h"

namespace thymus::addon {
namespace {

std::vector<uint32_t> numbers(const Napi::Value& value) {
  std::vector<uint32_t> out;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    out.push_back(array.Get(i).ToNumber().Uint32Value());
  }
  return out;
}

std::shared_ptr<engine::Engine> engine_of(const Napi::CallbackInfo& info) {
  auto engine = find_engine(info[0].ToNumber().Uint32Value());
  if (engine == nullptr) fail(info.Env(), "This run is closed.");
  return engine;
}

Napi::Value layout_hash(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), emit::kLayoutHash);
}

bool read_key(const Napi::Value& value, HashKey* out) {
  const auto key = value.As<Napi::Uint8Array>();
  if (key.ByteLength() != 16) return false;
  *out = {load_le64(key.Data()), load_le64(key.Data() + 8)};
  return true;
}

void read_live(const Napi::Object& o, engine::Options* options) {
  options->is_live = true;
  options->flush_ns = int64_t{u32(o, "flushMs")} * 1'000'000;
  options->through_libpcap = o.Get("throughLibpcap").ToBoolean();
  options->ring.bytes = static_cast<size_t>(o.Get("ringBytes").ToNumber().Int64Value());
  options->ring.filter = o.Get("filter").ToString().Utf8Value();
  options->ring.promiscuous = o.Get("promiscuous").ToBoolean();
  options->evidence_bytes = static_cast<size_t>(o.Get("evidenceBytes").ToNumber().Int64Value());
  options->ring.hardware_timestamps = o.Get("hardwareTimestamps").ToBoolean();
}

Napi::Value open(const Napi::CallbackInfo& info) {
  const auto o = info[0].As<Napi::Object>();
  engine::Options options;
  options.sources = strings(o.Get("sources"));
  if (const Napi::Value live = o.Get("live"); live.IsObject())
    read_live(live.As<Napi::Object>(), &options);
  options.lanes = u32(o, "lanes");
  options.shards = u32(o, "shards");
  options.pinned = numbers(o.Get("pinned"));
  for (const uint32_t cpu : options.pinned) {
    if (!engine::may_run_on(cpu)) {
      return fail(info.Env(),
                  "CPU " + std::to_string(cpu) +
                      " is not one that this process may run on: see 'taskset -cp $$'.");
    }
  }
  options.publish = o.Get("publish").ToBoolean();
  for (const uint32_t kind : numbers(o.Get("eventsOfEnds"))) {
    options.judged.of_ends.set(kind & 0xffff);
  }
  for (const uint32_t kind : numbers(o.Get("eventsOfLinks"))) {
    options.judged.of_links.set(kind & 0xffff);
  }
  options.queue_bytes = static_cast<size_t>(o.Get("queueBytes").ToNumber().Int64Value());
  options.tracker.max_flows = u32(o, "maxFlows");
  options.tracker.strict_checksums = o.Get("strictChecksums").ToBoolean();
  options.tracker.parsers.digests = o.Get("digests").ToBoolean();
  options.tracker.parsers.clear_identities = o.Get("clearIdentities").ToBoolean();
  if (!read_key(o.Get("identityKey"), &options.tracker.parsers.identity_key) ||
      (o.Get("hashKey").IsTypedArray() && !read_key(o.Get("hashKey"), &options.tracker.secret))) {
    return fail(info.Env(), "A key has 16 bytes.");
  }
  for (const std::string& text : strings(o.Get("homeNet"))) {
    Prefix prefix;
    if (!parse_prefix(text, &prefix)) return fail(info.Env(), "'" + text + "' is not a prefix.");
    options.home_net.push_back(prefix);
  }
  const auto memory = static_cast<size_t>(o.Get("memoryBytes").ToNumber().Int64Value());
  if (memory > 0) {
    constexpr size_t kMib = 1u << 20;
    const size_t least = engine::least_memory_bytes(options);
    if (memory < least) {
      return fail(info.Env(), "This many lanes and shards need at least " +
                                  std::to_string((least + kMib - 1) / kMib) + " MiB of memory.");
    }
    engine::limit_memory(memory, &options);
  }
  const uint32_t handle = add_engine(std::make_shared<engine::Engine>(options));
  info.Env().GetInstanceData<Environment>()->opened.insert(handle);
  return Napi::Number::New(info.Env(), handle);
}

Napi::Value drain(const Napi::CallbackInfo& info) {
  const auto engine = engine_of(info);
  if (engine == nullptr) return info.Env().Undefined();
  const size_t queue = info[1].ToNumber().Uint32Value();
  auto buffer = info[2].As<Napi::Uint8Array>();
  if (queue >= engine->queues()) return fail(info.Env(), "This run has no such queue.");
  if (buffer.ByteLength() < emit::BatchQueue::kMinimumDrainBytes) {
    return fail(info.Env(), "The buffer is too small for a batch.");
  }
  const int64_t n =
      engine->drain(queue, {buffer.Data(), buffer.ByteLength()}, info[3].ToNumber().Int32Value());
  return Napi::Number::New(info.Env(), static_cast<double>(n));
}

const char* kind_name(engine::SourceReport::Kind kind) {
  using Kind = engine::SourceReport::Kind;
  switch (kind) {
    case Kind::kUnreadable:
      return "unreadable";
    case Kind::kNotACapture:
      return "not_a_capture";
    case Kind::kDamaged:
      return "damaged";
    case Kind::kOk:
      break;
  }
  return "ok";
}

Napi::Array source_reports(Napi::Env env, const std::vector<engine::SourceReport>& reports) {
  auto out = Napi::Array::New(env, reports.size());
  for (uint32_t i = 0; i < reports.size(); ++i) {
    auto source = Napi::Object::New(env);
    source.Set("path", reports[i].path);
    source.Set("kind", kind_name(reports[i].kind));
    if (reports[i].error.empty()) {
      source.Set("error", env.Null());
    } else {
      source.Set("error", reports[i].error);
    }
    out.Set(i, source);
  }
  return out;
}

Napi::Value stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto engine = engine_of(info);
  if (engine == nullptr) return env.Undefined();
  const engine::EngineStats s = engine->stats();
  auto out = Napi::Object::New(env);
  auto counters = Napi::Array::New(env, s.counters.size());
  for (uint32_t i = 0; i < s.counters.size(); ++i) {
    counters.Set(i, Napi::Number::New(env, static_cast<double>(s.counters[i])));
  }
  const auto number = [env](auto v) { return Napi::Number::New(env, static_cast<double>(v)); };
  out.Set("counters", counters);
  out.Set("bytesRead", number(s.bytes_read));
  out.Set("bytesTotal", number(s.bytes_total));
  out.Set("firstPacketTimeUs", number(s.first_ts_ns / 1000));
  out.Set("packetTimeUs", number(s.last_ts_ns / 1000));
  out.Set("ended", s.ended);
  out.Set("nativeCpuNs", number(s.cpu_ns));
  out.Set("sources", source_reports(env, s.sources));
  return out;
}

Napi::Value stop(const Napi::CallbackInfo& info) {
  if (const auto engine = find_engine(info[0].ToNumber().Uint32Value())) engine->stop();
  return info.Env().Undefined();
}

Napi::Value close(const Napi::CallbackInfo& info) {
  const uint32_t handle = info[0].ToNumber().Uint32Value();
  info.Env().GetInstanceData<Environment>()->opened.erase(handle);
  remove_engine(handle);
  return info.Env().Undefined();
}

Napi::Value community_id(const Napi::CallbackInfo& info) {
  const auto address = [](const Napi::Value& value) {
    const auto bytes = value.As<Napi::Uint8Array>();
    return bytes.ByteLength() == 16 ? IpAddress::v6(bytes.Data()) : IpAddress::v4(bytes.Data());
  };
  const auto port = [](const Napi::Value& value) {
    return static_cast<uint16_t>(value.ToNumber().Uint32Value());
  };
  char text[flow::kCommunityIdBytes];
  flow::community_id(static_cast<uint8_t>(info[0].ToNumber().Uint32Value()), address(info[1]),
                     address(info[2]), port(info[3]), port(info[4]), port(info[5]), text);
  return Napi::String::New(info.Env(), text, sizeof text);
}

Napi::Value preflight(const Napi::CallbackInfo& info) {
  std::vector<capture::Interface> interfaces;
  const Status status = capture::find_interfaces(strings(info[0]), &interfaces);
  if (!status.ok()) return fail(info.Env(), status.message());
  auto out = Napi::Array::New(info.Env());
  for (const capture::Interface& interface : interfaces) {
    for (const std::string& note : capture::preflight(interface.name)) out.Set(out.Length(), note);
  }
  return out;
}

engine::EvidenceRequest evidence_request(const Napi::Object& o) {
  engine::EvidenceRequest request;
  const auto address = [](const std::string& text) {
    Prefix prefix;
    parse_prefix(text, &prefix);
    return prefix;
  };
  request.path = o.Get("path").ToString().Utf8Value();
  request.entity = address(o.Get("entity").ToString().Utf8Value());
  for (const std::string& text : strings(o.Get("others"))) {
    request.others.push_back(address(text).address);
  }
  request.from_ns = o.Get("fromUs").ToNumber().Int64Value() * 1000;
  request.until_ns = o.Get("untilUs").ToNumber().Int64Value() * 1000;
  request.most_frames = u32(o, "mostFrames");
  return request;
}

// Work on evidence in a thread of the pool, and a promise of what came of it.
class EvidenceWork final : public Napi::AsyncWorker {
 public:
  using Body = std::function<std::vector<engine::EvidenceResult>()>;
  EvidenceWork(Napi::Env env, Body body)
      : Napi::AsyncWorker(env), deferred_(env), body_(std::move(body)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { results_ = body_(); }
  void OnOK() override {
    auto out = Napi::Array::New(Env(), results_.size());
    for (uint32_t i = 0; i < results_.size(); ++i) {
      auto result = Napi::Object::New(Env());
      const Status& status = results_[i].status;
      result.Set("frames", static_cast<double>(results_[i].frames));
      result.Set("error", status.ok() ? Env().Null() : Napi::String::New(Env(), status.message()));
      out.Set(i, result);
    }
    deferred_.Resolve(out);
  }

 private:
  Napi::Promise::Deferred deferred_;
  Body body_;
  std::vector<engine::EvidenceResult> results_;
};

Napi::Value start(EvidenceWork* work) {
  work->Queue();
  return work->promise();
}

Napi::Value save_evidence(const Napi::CallbackInfo& info) {
  const auto engine = engine_of(info);
  if (engine == nullptr) return info.Env().Undefined();
  auto request = evidence_request(info[1].As<Napi::Object>());
  return start(new EvidenceWork(info.Env(), [engine, request = std::move(request)] {
    return std::vector{engine->save_evidence(request)};
  }));
}

Napi::Value extract_evidence(const Napi::CallbackInfo& info) {
  std::vector<engine::EvidenceRequest> requests;
  const auto array = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    requests.push_back(evidence_request(array.Get(i).As<Napi::Object>()));
  }
  auto body = [sources = strings(info[0]), requests = std::move(requests)] {
    return engine::extract_evidence(sources, requests);
  };
  return start(new EvidenceWork(info.Env(), std::move(body)));
}

Napi::Value notify_service(const Napi::CallbackInfo& info) {
  const bool sent =
      engine::notify_service(info[0].ToString().Utf8Value(), info[1].ToString().Utf8Value());
  return Napi::Boolean::New(info.Env(), sent);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment);
  exports.Set("layoutHash", Napi::Function::New(env, layout_hash));
  exports.Set("open", Napi::Function::New(env, open));
  exports.Set("drain", Napi::Function::New(env, drain));
  exports.Set("stats", Napi::Function::New(env, stats));
  exports.Set("stop", Napi::Function::New(env, stop));
  exports.Set("close", Napi::Function::New(env, close));
  exports.Set("saveEvidence", Napi::Function::New(env, save_evidence));
  exports.Set("extractEvidence", Napi::Function::New(env, extract_evidence));
  exports.Set("notifyService", Napi::Function::New(env, notify_service));
  exports.Set("preflight", Napi::Function::New(env, preflight));
  exports.Set("communityId", Napi::Function::New(env, community_id));
  export_reset_calls(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(thymus, init)

}  // namespace thymus::addon
