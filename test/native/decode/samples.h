// One packet of every kind that `decode` reads, and what it must say of it. The same packets are
// damaged by mangle_test.cc and seed the fuzzer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/packet_builder.h"

namespace thymus::test {

inline constexpr uint16_t kEthernet = 1, kRawIp = 101;

struct Sample {
  std::string name;
  uint16_t link_type;
  std::vector<uint8_t> bytes;
  std::string expected;  // as describe.h puts it
};

std::vector<Sample> link_samples();
std::vector<Sample> network_samples();
std::vector<Sample> transport_samples();
std::vector<Sample> tunnel_samples();
std::vector<Sample> all_samples();

// A DNS-like datagram, the usual content: 10.0.0.1:40000 > 10.0.0.2:53, 5 bytes.
inline Packet& add_datagram(Packet& outside) {
  return outside.ipv4("10.0.0.1", "10.0.0.2").udp(40000, 53).text("hello");
}
inline Packet& add_datagram6(Packet& outside) {
  return outside.ipv6("2001:db8::1", "2001:db8::2").udp(40000, 53).text("hello");
}
inline const std::string kDatagram = "10.0.0.1:40000 > 10.0.0.2:53 udp, 5 bytes";
inline const std::string kDatagram6 = "2001:db8::1:40000 > 2001:db8::2:53 udp, 5 bytes";

}  // namespace thymus::test
