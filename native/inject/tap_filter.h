// The kernel's part of choosing frames: a classic BPF program (bpf(4)), so that a tap with much
// traffic wakes nobody for what no target names.
#pragma once

#include <span>
#include <vector>

#include <linux/filter.h>

#include "inject/reset_target.h"

namespace thymus::inject {

// Bounds the program to 4,096 instructions, which is the kernel's limit.
inline constexpr size_t kMostTargets = 512;
// Of each frame, enough for the headers up to TCP.
inline constexpr uint32_t kHeadBytes = 256;

// Takes the heads of Ethernet frames with at most one VLAN tag (the kernel has taken off the first
// one already) that may hold TCP from or to the host of a target. Of IPv6 it looks at the last 32
// bits of addresses and at the first next header alone: what it takes is judged again.
// REQUIRES: at most kMostTargets
std::vector<sock_filter> tap_filter(std::span<const ResetTarget> targets);

}  // namespace thymus::inject
