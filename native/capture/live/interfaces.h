// Network interfaces of this machine: which there are, and what stands in the way of watching one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace thymus::capture {

struct Interface {
  std::string name;
  int index = 0;
  bool is_up = false;
  bool is_loopback = false;
};

// Those that `patterns` name, each once, in the order of the patterns; '*' and '?' stand for any
// characters and for one. A name without them is given also when there is no such interface (its
// index is then 0). The status speaks of a pattern that fits none.
Status find_interfaces(const std::vector<std::string>& patterns, std::vector<Interface>* out);
// `index` is 0 when there is none of this name.
Interface interface_named(const std::string& name);

// The LINKTYPE_ of what a packet socket gives on it, from the kernel's ARPHRD_ number.
// kInvalidArgument where frames of this kind cannot be decoded.
Status link_type_of(const std::string& name, uint16_t* out);

// Whether the other end of a veth pair has this index; 0 where the interface is none.
int peer_index(const std::string& name);

// Frames that the network card or its driver dropped since it is there; 0 where nobody counts.
uint64_t nic_drops(const std::string& name);

// What an operator should change before relying on this interface, a sentence each: offloads that
// glue packets together, an interface that is down.
std::vector<std::string> preflight(const std::string& name);

}  // namespace thymus::capture
