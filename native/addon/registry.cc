#include "addon/registry.h"

#include <map>
#include <mutex>

#include <malloc.h>

namespace thymus::addon {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<uint32_t, std::shared_ptr<engine::Engine>> engines;
  uint32_t next = 1;
};

// Never destroyed: a thread may still drain while the process exits.
Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

}  // namespace

uint32_t add_engine(std::shared_ptr<engine::Engine> engine) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  r.engines.emplace(r.next, std::move(engine));
  return r.next++;
}

std::shared_ptr<engine::Engine> find_engine(uint32_t handle) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  const auto found = r.engines.find(handle);
  return found == r.engines.end() ? nullptr : found->second;
}

void remove_engine(uint32_t handle) {
  Registry& r = registry();
  std::shared_ptr<engine::Engine> engine;
  {
    std::lock_guard lock(r.mutex);
    const auto found = r.engines.find(handle);
    if (found == r.engines.end()) return;
    engine = std::move(found->second);
    r.engines.erase(found);
  }
  engine->abort();
  engine.reset();
#ifdef __GLIBC__
  // Else the allocator keeps what the run has freed, and each run seems to need more than the last.
  malloc_trim(0);
#endif
}

}  // namespace thymus::addon
