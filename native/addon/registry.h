// The engines of the process, by handle. Every JavaScript thread that loads the addon shares it.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/engine.h"

namespace thymus::addon {

uint32_t add_engine(std::shared_ptr<engine::Engine> engine);
// Null when there is no such handle. Whoever holds the pointer keeps the engine alive.
std::shared_ptr<engine::Engine> find_engine(uint32_t handle);
// Forgets the handle and aborts the engine; the last holder joins its threads.
void remove_engine(uint32_t handle);

}  // namespace thymus::addon
