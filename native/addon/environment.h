// What one JavaScript environment has opened and not closed; it goes when the environment goes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "addon/registry.h"
#include "inject/reset_injector.h"

namespace thymus::addon {

struct Environment {
  std::set<uint32_t> opened;
  std::map<uint32_t, std::unique_ptr<inject::ResetInjector>> injectors;
  uint32_t next_injector = 1;
  ~Environment() {
    for (const uint32_t handle : opened) remove_engine(handle);
  }
};

}  // namespace thymus::addon
