#include "capture/decompressor.h"

#include <utility>

namespace thymus::capture {

size_t Decompressor::read(std::span<uint8_t> into) {
  while (!stopped_) {
    if (!in_member_) skip_padding();
    if (!in_member_ && input_.empty()) {
      if (!refill()) end_of_input();
      continue;
    }
    Step step = decode(input_.rest(), into);
    input_.skip(step.consumed);
    in_member_ = !step.member_ended;
    if (step.broken) {
      stop(std::string("the ") + name_ + " data is broken (" + step.broken + ")");
    } else if (step.produced == 0 && step.consumed == 0) {
      if (!refill()) end_of_input();
    }
    if (step.produced > 0) return step.produced;
  }
  return 0;
}

bool Decompressor::refill() {
  // A decoder that neither takes nor gives anything while it has input cannot go on.
  if (!input_.empty()) return false;
  size_t n = stored_->read(buffer_);
  input_ = Reader({buffer_.data(), n});
  return n > 0;
}

void Decompressor::skip_padding() {
  while (!input_.empty() && input_.peek_u8() == 0) input_.skip(1);
}

void Decompressor::end_of_input() {
  if (!stored_->error().empty()) {
    stop(stored_->error());
  } else if (in_member_) {
    stop(std::string("the ") + name_ + " data ends too early");
  } else {
    stop("");
  }
}

void Decompressor::stop(std::string error) {
  error_ = std::move(error);
  stopped_ = true;
}

}  // namespace thymus::capture
