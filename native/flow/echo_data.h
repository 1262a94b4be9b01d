// Whether the echo requests of a flow carry data of their own.
#pragma once

#include "decode/packet_view.h"
#include "flow/flow.h"

namespace thymus::flow {

// Requests in a row whose data is not that of the one before, after which a flow is marked.
inline constexpr uint32_t kVaryingEchoes = 16;

// Compares the data of an ICMP or ICMPv6 echo request with that of the one before (RFC 792, RFC
// 4443), and marks the flow (flow_flag::kVaryingEcho) when it keeps changing. Whoever measures a
// path sends the same again but for a time and a number at the begin, which are left out.
// `dir` is the request's direction. Other messages are passed over.
void note_echo_data(const decode::PacketView& view, int dir, Flow* flow);

}  // namespace thymus::flow
