#include "engine/shedder.h"

#include <doctest/doctest.h>

namespace thymus::engine {

using flow::Shed;

TEST_CASE("shedder: leaves out more as the buffer fills, in the stated order") {
  Shedder shedder;
  CHECK(shedder.update(0) == Shed::kNothing);
  CHECK(shedder.update(0.3) == Shed::kNothing);
  CHECK(shedder.update(0.5) == Shed::kNewInspection);
  CHECK(shedder.update(0.7) == Shed::kInspection);
  CHECK(shedder.update(0.9) == Shed::kElephants);
  CHECK(shedder.update(1) == Shed::kElephants);
}

TEST_CASE("shedder: rises at once and falls step by step, when little waits") {
  Shedder shedder;
  CHECK(shedder.update(1) == Shed::kElephants);
  CHECK(shedder.update(0.3) == Shed::kElephants);
  CHECK(shedder.update(0.05) == Shed::kInspection);
  CHECK(shedder.update(0.05) == Shed::kNewInspection);
  CHECK(shedder.update(0.3) == Shed::kNewInspection);
  CHECK(shedder.update(0.05) == Shed::kNothing);
  CHECK(shedder.update(0) == Shed::kNothing);
}

}  // namespace thymus::engine
