// The loop that every decompressor shares: stored bytes in, plain bytes out, bounded memory.
//
// A compressed file may hold several members one after another, with zero padding between them
// and behind the last.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "capture/byte_stream.h"

namespace thymus::capture {

class Decompressor : public ByteStream {
 public:
  size_t read(std::span<uint8_t> into) final;
  const std::string& error() const final { return error_; }
  SourceProgress progress() const final { return stored_->progress(); }

 protected:
  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
    bool member_ended = false;
    const char* broken = nullptr;  // why, or null
  };
  // `name` is a literal: what the user calls the compression.
  Decompressor(const char* name, std::unique_ptr<ByteStream> stored)
      : name_(name), stored_(std::move(stored)) {}
  // Decodes some of `in` into `out`. Called with an empty `in` only within a member.
  virtual Step decode(Bytes in, std::span<uint8_t> out) = 0;

 private:
  bool refill();
  void skip_padding();
  void end_of_input();
  void stop(std::string error);

  const char* name_;
  std::unique_ptr<ByteStream> stored_;
  std::array<uint8_t, 64 * 1024> buffer_;
  Reader input_;
  bool in_member_ = false;
  bool stopped_ = false;
  std::string error_;
};

}  // namespace thymus::capture
