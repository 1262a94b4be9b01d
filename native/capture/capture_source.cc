#include "capture/capture_source.h"

#include <utility>

#include "capture/format.h"

namespace thymus::capture {
namespace {

class CaptureSource final : public Source {
 public:
  CaptureSource(std::unique_ptr<ByteSupply> supply, std::unique_ptr<Format> format,
                size_t header_bytes)
      : supply_(std::move(supply)), format_(std::move(format)), used_(header_bytes) {}

  ReadState next(Block* block) override {
    *block = {};
    frames_.clear();
    while (state_ == ReadState::kFrames) {
      Bytes at_hand = supply_->advance(used_, wanted_);
      position_ += used_;
      used_ = 0;
      if (at_hand.size() < wanted_) return end(at_hand.empty());
      ParseStep step = format_->parse(at_hand, &frames_);
      used_ = step.used;
      wanted_ = step.wanted;
      // Damage behind frames is found again by the next call.
      *block = frames_.block();
      if (!block->empty()) return ReadState::kFrames;
      if (!step.damage.empty()) return damaged(position_ + used_, step.damage);
    }
    return state_;
  }
  bool stable() const override { return supply_->stable(); }
  const std::string& error() const override { return error_; }
  SourceProgress progress() const override { return supply_->progress(); }

 private:
  ReadState end(bool between_records) {
    if (!supply_->error().empty()) return damaged(position_, supply_->error());
    if (!between_records) return damaged(position_, "the capture ends within the record there");
    return state_ = ReadState::kEnd;
  }

  ReadState damaged(uint64_t position, const std::string& why) {
    error_ = "damaged at byte " + std::to_string(position) + ": " + why +
             "; everything before it was read, copy or record it again for the rest";
    return state_ = ReadState::kDamaged;
  }

  std::unique_ptr<ByteSupply> supply_;
  std::unique_ptr<Format> format_;
  FrameList frames_;
  uint64_t position_ = 0;  // of the window's start in the (decompressed) capture
  size_t used_;
  size_t wanted_ = 1;
  ReadState state_ = ReadState::kFrames;
  std::string error_;
};

}  // namespace

Status open_supply(std::unique_ptr<ByteSupply> supply, const std::string& name,
                   std::unique_ptr<Source>* out) {
  std::unique_ptr<Format> format;
  size_t header_bytes = 0;
  Status status = open_format(supply.get(), name, &format, &header_bytes);
  if (!status.ok()) return status;
  *out = std::make_unique<CaptureSource>(std::move(supply), std::move(format), header_bytes);
  return {};
}

}  // namespace thymus::capture
