// Decodes frames of any link type. Input: link type (2, little-endian), options (1: bit 0 verifies
// checksums, the rest is how many bytes the capture cut off), frame.
#include <cstdlib>
#include <memory>

#include "decode/embedded.h"
#include "decode/neighbour.h"
#include "decode/packet_view.h"

namespace {

using namespace thymus;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const decode::PacketView& v) {
  require(v.payload_offset <= v.caplen && v.payload_bytes <= v.caplen - v.payload_offset);
  require(v.payload_bytes <= v.payload_wire_bytes);
  require(v.ip_offset <= v.caplen && v.embedded_offset <= v.caplen);
  require(v.n_encap <= decode::kMaxEncapDepth && v.encap_depth == v.n_encap);
  require(v.is_ip() || (!v.transport_ok && v.protocol == 0 && v.src_port == 0));
  require(v.fragment_offset == 0 || (v.is_fragment && !v.transport_ok));
  require(v.vlan_outer != decode::kNoVlan || v.vlan_inner == decode::kNoVlan);
  for (const decode::Anomaly a : v.anomalies) require(a < decode::Anomaly::kCount);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input(Bytes{data, size});
  const uint16_t link_type = input.le16();
  const uint8_t choice = input.u8();
  if (!input.ok()) return 0;
  const Bytes rest = input.rest();
  const auto frame = std::make_unique<uint8_t[]>(rest.size());
  std::copy(rest.begin(), rest.end(), frame.get());
  const auto origlen = static_cast<uint32_t>(rest.size() + (choice >> 1));
  decode::PacketView view;
  decode::decode_frame(link_type, {frame.get(), rest.size()}, origlen,
                       {.verify_checksums = (choice & 1) != 0}, &view);
  check(view);
  decode::PacketView quoted;
  if (decode::decode_embedded(view, &quoted)) check(quoted);
  decode::Neighbour neighbour;
  if (decode::may_be_neighbour(view) && decode::read_neighbour(view, &neighbour)) {
    require(neighbour.n_prefixes <= decode::Neighbour::kMostPrefixes);
    require(neighbour.n_dns_servers <= decode::Neighbour::kMostDnsServers);
  }
  return 0;
}
