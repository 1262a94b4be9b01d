// A context for parsers without a flow: plain buffers with the limits of the real ones.
#pragma once

#include <array>
#include <vector>

#include "dpi/context.h"

namespace thymus::test {

struct Announced {
  dpi::Expectation expectation;
  std::vector<uint8_t> note;
};

class ParserContext final : public dpi::Buffers, public dpi::Expectations {
 public:
  explicit ParserContext(EventWriter* events) : events_(events) {}

  // As before each call of a parser.
  dpi::Context* renew() {
    const auto facts_before = context_.facts;
    if (facts_before.app != dpi::AppId::kUnknown) facts.app = facts_before.app;
    if (facts_before.name_hash != 0) facts.name_hash = facts_before.name_hash;
    if (facts_before.client_fingerprint != 0) {
      facts.client_fingerprint = facts_before.client_fingerprint;
    }
    if (facts_before.tls_version != 0) facts.tls_version = facts_before.tls_version;
    context_ = {events_, this, this, &options, {}, dpi::AppId::kUnknown, 0, flow_app};
    return &context_;
  }
  const dpi::Context& last() const { return context_; }

  Bytes view(int buffer) const override { return buffers_.at(static_cast<size_t>(buffer)); }
  bool append(int buffer, Bytes bytes) override {
    auto& b = buffers_.at(static_cast<size_t>(buffer));
    if (b.size() + bytes.size() > dpi::kMaxBufferBytes) return false;
    b.insert(b.end(), bytes.begin(), bytes.end());
    return true;
  }
  void consume(int buffer, size_t n) override {
    auto& b = buffers_.at(static_cast<size_t>(buffer));
    if (n > b.size()) std::abort();
    b.erase(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::span<uint8_t> scratch(size_t bytes) override {
    if (bytes > dpi::kMaxScratchBytes) std::abort();
    if (bytes != scratch_.size()) scratch_ = std::vector<uint8_t>(bytes);
    return scratch_;
  }
  void expect(const dpi::Expectation& expectation, Bytes note) override {
    if (note.size() > dpi::kMaxNoteBytes) std::abort();
    if (announced.size() < 100) announced.push_back({expectation, {note.begin(), note.end()}});
  }

  dpi::ParserOptions options;
  dpi::AppId flow_app = dpi::AppId::kUnknown;
  dpi::FlowFacts facts;  // of all calls before the last
  std::vector<Announced> announced;

 private:
  EventWriter* events_;
  dpi::Context context_{};
  std::array<std::vector<uint8_t>, dpi::kBuffers> buffers_;
  std::vector<uint8_t> scratch_;
};

}  // namespace thymus::test
