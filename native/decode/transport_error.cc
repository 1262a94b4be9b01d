#include "decode/transport_error.h"

namespace thymus::decode {

void cut_transport(Walk& walk, Extent extent, Anomaly anomaly) {
  constexpr size_t kPortsBytes = 4;
  Header<kPortsBytes> ports;
  Extent after = extent;
  if (walk.read(after, ports)) {
    walk.view.src_port = ports.be16<0>();
    walk.view.dst_port = ports.be16<2>();
  }
  broken_transport(walk, extent, anomaly);
}

void broken_transport(Walk& walk, Extent extent, Anomaly anomaly) {
  walk.view.add_anomaly(anomaly);
  walk.view.payload_offset = extent.begin;
  walk.view.payload_bytes = 0;
  walk.view.payload_wire_bytes = 0;
}

}  // namespace thymus::decode
