#include "emit/fieldbus_fields.h"

#include "base/generated/events/ethercat.h"
#include "base/generated/events/goose.h"
#include "base/generated/events/profinet_dcp.h"

namespace thymus::emit {
namespace {

struct StationFields {
  uint16_t src_mac;
  uint16_t dest_mac;
  uint16_t vlan;
};

void put_stations(const decode::PacketView& view, StationFields ids, EventWriter* fields) {
  if (view.has_mac) {
    fields->put_bytes(ids.src_mac, view.src_mac);
    fields->put_bytes(ids.dest_mac, view.dst_mac);
  }
  if (view.vlan_outer != decode::kNoVlan) fields->put(ids.vlan, view.vlan_outer);
  if (view.vlan_inner != decode::kNoVlan) fields->put(ids.vlan, view.vlan_inner);
}

}  // namespace

void write_goose(const decode::PacketView& view, const dpi::Goose& message, EventWriter* fields) {
  namespace ids = event::goose;
  fields->begin(event::kGoose);
  put_stations(view, {ids::kSrcMac, ids::kDestMac, ids::kVlan}, fields);
  put_goose(message, fields);
  fields->end();
}

void write_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame,
                    EventWriter* fields) {
  namespace ids = event::ethercat;
  fields->begin(event::kEthercat);
  put_stations(view, {ids::kSrcMac, ids::kDestMac, ids::kVlan}, fields);
  put_ethercat(frame, fields);
  fields->end();
}

void write_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message,
                    EventWriter* fields) {
  namespace ids = event::profinet_dcp;
  fields->begin(event::kProfinetDcp);
  put_stations(view, {ids::kSrcMac, ids::kDestMac, ids::kVlan}, fields);
  put_profinet_dcp(message, fields);
  fields->end();
}

}  // namespace thymus::emit
