// Where the bytes of a capture come from, as a window that moves forward over the input.
//
// A parser works on the contiguous bytes at hand, says how many it used and how many it wants, and
// never knows whether they are mapped, read or inflated. One virtual call per block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "capture/source.h"

namespace thymus::capture {

class ByteSupply {
 public:
  virtual ~ByteSupply() = default;
  // Drops the first `used` bytes of the window and returns the rest with at least `wanted` bytes,
  // or fewer when the input ends before. The result stays valid until the next call.
  // REQUIRES: used is at most the size of the last window.
  virtual Bytes advance(size_t used, size_t wanted) = 0;
  // All windows stay valid until the supply is destroyed.
  virtual bool stable() const = 0;
  // Why the input ended early (disk error, broken compression); empty when it just ended.
  virtual const std::string& error() const = 0;
  virtual SourceProgress progress() const = 0;
};

}  // namespace thymus::capture
