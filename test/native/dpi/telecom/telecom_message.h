// What messages of telecom protocols have in common, for their tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace thymus::test {

using Message = std::vector<uint8_t>;

inline Message message_of(std::string_view text) { return {text.begin(), text.end()}; }

inline Message joined(std::initializer_list<Message> parts) {
  Message out;
  for (const Message& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// The IMSI 001010123456789 as GTP, PFCP and MAP write it.
inline Message imsi_digits() { return {0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xf9}; }

}  // namespace thymus::test
