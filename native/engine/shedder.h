// Decides what to leave out by how full the source's buffer is.
#pragma once

#include "flow/shed.h"

namespace thymus::engine {

class Shedder {
 public:
  // `fill`: share of the buffer that waits, 0 to 1. The level rises at once, and falls by one at a
  // time when little waits, so that it does not flutter.
  flow::Shed update(double fill) {
    if (fill > kFull[level_]) {
      while (level_ < kLevels && fill > kFull[level_]) ++level_;
    } else if (level_ > 0 && fill < kCalm) {
      --level_;
    }
    return static_cast<flow::Shed>(level_);
  }

 private:
  static constexpr int kLevels = 3;
  static constexpr double kFull[kLevels + 1] = {0.4, 0.6, 0.8, 1};
  static constexpr double kCalm = 0.1;

  int level_ = 0;
};

}  // namespace thymus::engine
