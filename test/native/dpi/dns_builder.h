// Builds DNS messages byte by byte, right and wrong ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thymus::test {

class DnsBuilder {
 public:
  enum Section { kQuestions = 4, kAnswers = 6, kAuthorities = 8, kAdditionals = 10 };

  DnsBuilder(uint16_t id, uint16_t flags) {
    put16(id);
    put16(flags);
    bytes_.resize(12);
  }

  // A name in labels; "" is the root. Remembers where it stood.
  static std::vector<uint8_t> name(std::string_view dotted) {
    std::vector<uint8_t> out;
    while (!dotted.empty()) {
      const std::string_view label = dotted.substr(0, dotted.find('.'));
      out.push_back(static_cast<uint8_t>(label.size()));
      for (const char c : label) out.push_back(static_cast<uint8_t>(c));
      dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
    }
    out.push_back(0);
    return out;
  }
  static std::vector<uint8_t> pointer(size_t offset) {
    return {static_cast<uint8_t>(0xc0 | offset >> 8), static_cast<uint8_t>(offset)};
  }

  DnsBuilder& question(std::string_view dotted, uint16_t type) {
    return question_raw(name(dotted), type);
  }
  DnsBuilder& question_raw(const std::vector<uint8_t>& encoded_name, uint16_t type) {
    raw(encoded_name);
    put16(type);
    put16(1);
    return count(kQuestions, 1);
  }
  DnsBuilder& record(Section section, const std::vector<uint8_t>& encoded_name, uint16_t type,
                     uint32_t ttl, const std::vector<uint8_t>& data) {
    raw(encoded_name);
    put16(type);
    put16(1);
    put16(static_cast<uint16_t>(ttl >> 16));
    put16(static_cast<uint16_t>(ttl));
    put16(static_cast<uint16_t>(data.size()));
    raw(data);
    return count(section, 1);
  }
  // Announces `n` more entries than there are.
  DnsBuilder& count(Section section, int n) {
    const int total = (bytes_[section] << 8 | bytes_[section + 1]) + n;
    bytes_[section] = static_cast<uint8_t>(total >> 8);
    bytes_[section + 1] = static_cast<uint8_t>(total);
    return *this;
  }
  DnsBuilder& raw(const std::vector<uint8_t>& more) {
    for (const uint8_t byte : more) bytes_.push_back(byte);
    return *this;
  }
  size_t size() const { return bytes_.size(); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  // With the length in front, as over TCP.
  std::vector<uint8_t> framed() const {
    std::vector<uint8_t> out{static_cast<uint8_t>(bytes_.size() >> 8),
                             static_cast<uint8_t>(bytes_.size())};
    for (const uint8_t byte : bytes_) out.push_back(byte);
    return out;
  }

 private:
  void put16(uint16_t v) {
    bytes_.push_back(static_cast<uint8_t>(v >> 8));
    bytes_.push_back(static_cast<uint8_t>(v));
  }

  std::vector<uint8_t> bytes_;
};

inline std::vector<uint8_t> operator+(std::vector<uint8_t> a, const std::vector<uint8_t>& b) {
  for (const uint8_t byte : b) a.push_back(byte);
  return a;
}

}  // namespace thymus::test
