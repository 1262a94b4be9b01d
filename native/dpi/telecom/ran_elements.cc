// Elements are {id (2), criticality (2 bits), open type} in aligned PER; a list of E-RABs holds
// further elements, one of PDU sessions holds its items themselves. A sequence begins with a bit
// for its extensions and one for each optional member.
#include "dpi/telecom/ran_elements.h"

#include "base/generated/events/ngap.h"
#include "base/generated/events/s1ap.h"
#include "dpi/telecom/nas.h"
#include "dpi/telecom/per_reader.h"

namespace thymus::dpi {
namespace {

// Both events have their objects in the same form; here they have NGAP's names.
namespace ids = event::ngap;
static_assert(event::s1ap::kMmeUeId == ids::kAmfUeId && event::s1ap::kEnbUeId == ids::kRanUeId);
static_assert(event::s1ap::kTmsi == ids::kTmsi && event::s1ap::nas::kTmsi == ids::nas::kTmsi);
static_assert(event::s1ap::kLocation == ids::kLocation && event::s1ap::kNas == ids::kNas);
static_assert(event::s1ap::kERab == ids::kSession);
static_assert(event::s1ap::nas::kUeAddress == ids::nas::kUeAddress);
static_assert(event::s1ap::e_rab::kAddress == ids::session::kAddress);

constexpr int kMostElements = 64;  // of a message or a list with more, the first ones
constexpr int kMostSessions = 32;  // of one list

struct Element {
  uint16_t id;
  Bytes value;
};

bool next_element(PerReader* r, Element* out) {
  out->id = r->octet_pair();
  r->bits(2);  // criticality
  out->value = r->sized_octets();
  return r->ok();
}

template <typename Visit>
void each_element(Bytes sequence, Visit&& visit) {
  PerReader r(sequence);
  r.bit();
  const int n = std::min<int>(r.octet_pair(), kMostElements);
  Element element;
  for (int i = 0; i < n && next_element(&r, &element); ++i) visit(element);
}

// ---- What both have

// A bit string of 32, 128 or, for both families, 160 bits, and the tunnel's number.
bool read_tunnel(PerReader* r, TunnelEnd* out) {
  constexpr size_t kV4Bytes = 4, kV6Bytes = 16;
  if (r->bit()) return false;
  const size_t n_bits = r->bits(8) + size_t{1};
  Bytes address = r->octets((n_bits + 7) / 8);
  if (address.size() == kV4Bytes + kV6Bytes) address = address.first(kV4Bytes);
  out->teid = Reader(r->octets(4)).be32();
  return r->ok() && read_address(address, &out->address);
}

void write_session(uint8_t id, const Slice* slice, const TunnelEnd* tunnel, EventWriter* events) {
  events->open(ids::kSession);
  events->put(ids::session::kId, id);
  if (slice != nullptr) events->put_text(ids::session::kSlice, slice_text(*slice).view());
  if (tunnel != nullptr) {
    events->put(ids::session::kTeid, tunnel->teid);
    events->put_ip(ids::session::kAddress, tunnel->address);
  }
  events->close();
}

// The node that assigned it, in `n` octets, and its number there.
void write_temporary(uint32_t node, size_t n, uint32_t number, const PerReader& r,
                     EventWriter* events) {
  if (!r.ok()) return;
  const uint8_t octets[] = {static_cast<uint8_t>(node >> 8),    static_cast<uint8_t>(node),
                            static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16),
                            static_cast<uint8_t>(number >> 8),  static_cast<uint8_t>(number)};
  events->put_bytes(ids::kTmsi, Bytes(octets).subspan(2 - n));
}

void write_location(const Location& location, EventWriter* events) {
  if (location.plmn.empty()) return;
  events->open(ids::kLocation);
  events->put_text(ids::location::kPlmn, location.plmn.view());
  if (location.area != 0) events->put(ids::location::kArea, location.area);
  if (location.has_cell) events->put(ids::location::kCell, location.cell);
  events->close();
}

void write_nas(const Nas& nas, Context* context) {
  EventWriter* events = context->events;
  const auto put_name = [events](uint16_t field, std::string_view text) {
    if (!text.empty()) events->put_text(field, text);
  };
  events->open(ids::kNas);
  events->put(ids::nas::kSecurityHeader, nas.security_header);
  put_name(ids::nas::kMessage, nas.message);
  put_name(ids::nas::kSessionMessage, nas.session_message);
  if (nas.session_id != 0) events->put(ids::nas::kSessionId, nas.session_id);
  put_identity(ids::nas::kImsi, IdentityKind::kImsi, nas.imsi.view(), context);
  put_identity(ids::nas::kImei, IdentityKind::kImei, nas.imei.view(), context);
  if (!nas.tmsi.empty()) events->put_bytes(ids::nas::kTmsi, nas.tmsi);
  put_name(ids::nas::kApn, nas.apn.view());
  if (nas.has_slice) events->put_text(ids::nas::kSlice, slice_text(nas.slice).view());
  if (nas.has_address) events->put_ip(ids::nas::kUeAddress, nas.ue_address);
  events->close();
}

// ---- S1AP

namespace s1ap {

namespace element {
constexpr uint16_t kMmeUeId = 0, kEnbUeId = 8, kSetupRequest = 16, kAdmitted = 18,
                   kSwitchedDownlink = 22, kContextSetupRequest = 24, kNas = 26,
                   kSetupResponse = 28, kContextSetupResponse = 51, kHandoverRequest = 53,
                   kTai = 67, kSwitchedUplink = 94, kTmsi = 96, kCell = 100, kModified = 199;
}  // namespace element

void skip_quality(PerReader* r) {
  constexpr unsigned kMostRateOctets = 5;
  const bool is_extended = r->bit(), has_rates = r->bit(), has_extensions = r->bit();
  r->octet();  // class
  const bool priority_is_extended = r->bit(), priority_has_extensions = r->bit();
  r->bits(6);  // level, may preempt, may be preempted
  if (priority_has_extensions) r->skip_extensions();
  if (has_rates) {
    const bool rates_are_extended = r->bit(), rates_have_extensions = r->bit();
    for (int i = 0; i < 4; ++i) r->wide_number(kMostRateOctets);
    if (rates_have_extensions) r->skip_extensions();
    if (rates_are_extended) r->bits(33);
  }
  if (has_extensions) r->skip_extensions();
  // What an extension adds comes behind all else, and nobody needs what follows it here.
  if (is_extended || priority_is_extended) r->octets(SIZE_MAX);
}

uint8_t read_bearer_id(PerReader* r) {
  return r->bit() ? uint8_t{0} : static_cast<uint8_t>(r->bits(4));
}

void write_bearer(uint16_t list, Bytes item, Context* context) {
  PerReader r(item);
  r.bit();
  const bool is_context = list == element::kContextSetupRequest;
  const bool has_nas = is_context ? r.bit() : list == element::kSetupRequest;
  const unsigned options = list == element::kAdmitted ? 5 : 1;
  r.bits(options);
  const uint8_t id = read_bearer_id(&r);
  if (is_context || list == element::kSetupRequest) skip_quality(&r);
  TunnelEnd tunnel;
  if (!read_tunnel(&r, &tunnel)) return;
  write_session(id, nullptr, &tunnel, context->events);
  Nas nas;
  if (has_nas && read_eps_nas(r.sized_octets(), &nas)) write_nas(nas, context);
}

void write_bearers(uint16_t list, Bytes value, Context* context) {
  PerReader r(value);
  const int n = std::min(r.octet() + 1, kMostSessions);
  Element item;
  for (int i = 0; i < n && next_element(&r, &item); ++i) write_bearer(list, item.value, context);
}

void write_tmsi(PerReader* r, EventWriter* events) {
  r->bits(2);
  const uint32_t code = r->bits(8);
  const uint32_t number = Reader(r->octets(4)).be32();
  write_temporary(code, 1, number, *r, events);
}

// A cell or a tracking area: both begin with their network.
void read_place(Bytes value, bool is_cell, Location* out) {
  PerReader r(value);
  r.bits(2);
  const Digits plmn = plmn_text(r.octets(3));
  if (is_cell) {
    out->cell = Reader(r.octets(4)).be32() >> 4;
    out->has_cell = r.ok();
  } else {
    out->area = r.octet_pair();
  }
  if (r.ok()) out->plmn = plmn;
}

}  // namespace s1ap

// ---- NGAP

namespace ngap {

namespace element {
constexpr uint16_t kAmfUeId = 10, kTmsi = 26, kNas = 38, kAdmitted = 53, kContextSetupRequest = 71,
                   kContextSetupResponse = 72, kHandoverRequest = 73, kSetupRequest = 74,
                   kSetupResponse = 75, kToBeSwitched = 76, kSwitched = 77, kRanUeId = 85,
                   kLocation = 121, kUplinkTunnel = 139;
}  // namespace element

void write_tmsi(PerReader* r, EventWriter* events) {
  r->bits(2);
  const uint32_t set_and_pointer = r->bits(16);
  const uint32_t number = Reader(r->octets(4)).be32();
  write_temporary(set_and_pointer, 2, number, *r, events);
}

Slice read_slice(PerReader* r) {
  r->bit();
  Slice slice;
  slice.has_sd = r->bit();
  const bool has_extensions = r->bit();
  slice.sst = static_cast<uint8_t>(r->bits(8));
  if (slice.has_sd) slice.sd = Reader(r->octets(3)).be24();
  if (has_extensions) r->skip_extensions();
  return slice;
}

bool read_transport(PerReader* r, TunnelEnd* out) {
  if (r->bit()) return false;  // not a tunnel of GTP
  r->bits(2);
  return read_tunnel(r, out);
}

bool read_request_transfer(Bytes transfer, TunnelEnd* out) {
  bool found = false;
  each_element(transfer, [&](const Element& e) {
    if (e.id != element::kUplinkTunnel || found) return;
    PerReader r(e.value);
    found = read_transport(&r, out);
  });
  return found;
}

// The tunnel of a transfer that is no request; before it stand only bits.
bool read_transfer(uint16_t list, Bytes transfer, TunnelEnd* out) {
  PerReader r(transfer);
  r.bit();
  switch (list) {
    case element::kContextSetupResponse:
    case element::kSetupResponse:
      r.bits(4);
      r.bits(2);
      return read_transport(&r, out);
    case element::kAdmitted:
      r.bits(5);
      return read_transport(&r, out);
    case element::kToBeSwitched:
      r.bits(3);
      return read_transport(&r, out);
    default: {
      const bool has_tunnel = r.bit();
      r.bits(2);
      return has_tunnel && read_transport(&r, out);
    }
  }
}

bool write_item(uint16_t list, PerReader* r, Context* context) {
  const bool is_setup = list == element::kSetupRequest || list == element::kContextSetupRequest;
  const bool is_request = is_setup || list == element::kHandoverRequest;
  const bool is_extended = r->bit();
  const bool has_nas = is_setup && r->bit();
  const bool has_extensions = r->bit();
  const uint8_t id = r->octet();
  const Bytes nas_bytes = has_nas ? r->sized_octets() : Bytes{};
  const Slice slice = is_request ? read_slice(r) : Slice{};
  const Bytes transfer = r->sized_octets();
  if (has_extensions) r->skip_extensions();
  if (!r->ok()) return false;
  TunnelEnd tunnel;
  const bool has_tunnel = is_request ? read_request_transfer(transfer, &tunnel)
                                     : read_transfer(list, transfer, &tunnel);
  if (is_request || has_tunnel) {
    write_session(id, is_request ? &slice : nullptr, has_tunnel ? &tunnel : nullptr,
                  context->events);
  }
  Nas nas;
  if (has_nas && read_5gs_nas(nas_bytes, &nas)) write_nas(nas, context);
  return !is_extended;
}

void write_items(uint16_t list, Bytes value, Context* context) {
  PerReader r(value);
  const int n = std::min(r.octet() + 1, kMostSessions);
  for (int i = 0; i < n && write_item(list, &r, context); ++i) {
  }
}

Location read_location(Bytes value) {
  constexpr uint32_t kEutra = 0, kNr = 1;
  PerReader r(value);
  const uint32_t kind = r.bits(2);
  if (kind != kEutra && kind != kNr) return {};
  r.bits(3);
  r.bit();
  const bool has_extensions = r.bit();
  Location out;
  const Digits plmn = plmn_text(r.octets(3));
  // 36 bits or 28, and the area's first bits right behind them.
  for (const uint8_t octet : r.octets(kind == kNr ? 4 : 3)) out.cell = out.cell << 8 | octet;
  out.cell = out.cell << 4 | r.bits(4);
  if (has_extensions) r.skip_extensions();
  r.bits(2);
  r.octets(3);
  out.area = Reader(r.octets(3)).be24();
  out.has_cell = r.ok();
  if (r.ok()) out.plmn = plmn;
  return out;
}

}  // namespace ngap
}  // namespace

void write_s1ap_elements(Bytes value, Context* context) {
  namespace element = s1ap::element;
  Location location;
  each_element(value, [&](const Element& e) {
    PerReader r(e.value);
    switch (e.id) {
      case element::kMmeUeId:
        context->events->put(ids::kAmfUeId, r.wide_number(4));
        break;
      case element::kEnbUeId:
        context->events->put(ids::kRanUeId, r.wide_number(3));
        break;
      case element::kNas: {
        Nas nas;
        if (read_eps_nas(r.sized_octets(), &nas)) write_nas(nas, context);
        break;
      }
      case element::kTmsi:
        s1ap::write_tmsi(&r, context->events);
        break;
      case element::kTai:
      case element::kCell:
        s1ap::read_place(e.value, e.id == element::kCell, &location);
        break;
      case element::kSetupRequest:
      case element::kAdmitted:
      case element::kSwitchedDownlink:
      case element::kContextSetupRequest:
      case element::kSetupResponse:
      case element::kContextSetupResponse:
      case element::kHandoverRequest:
      case element::kSwitchedUplink:
      case element::kModified:
        s1ap::write_bearers(e.id, e.value, context);
        break;
      default:
        break;
    }
  });
  write_location(location, context->events);
}

void write_ngap_elements(Bytes value, Context* context) {
  namespace element = ngap::element;
  each_element(value, [&](const Element& e) {
    PerReader r(e.value);
    switch (e.id) {
      case element::kAmfUeId:
        context->events->put(ids::kAmfUeId, r.wide_number(5));
        break;
      case element::kRanUeId:
        context->events->put(ids::kRanUeId, r.wide_number(4));
        break;
      case element::kNas: {
        Nas nas;
        if (read_5gs_nas(r.sized_octets(), &nas)) write_nas(nas, context);
        break;
      }
      case element::kTmsi:
        ngap::write_tmsi(&r, context->events);
        break;
      case element::kLocation:
        write_location(ngap::read_location(e.value), context->events);
        break;
      case element::kAdmitted:
      case element::kContextSetupRequest:
      case element::kContextSetupResponse:
      case element::kHandoverRequest:
      case element::kSetupRequest:
      case element::kSetupResponse:
      case element::kToBeSwitched:
      case element::kSwitched:
        ngap::write_items(e.id, e.value, context);
        break;
      default:
        break;
    }
  });
}

}  // namespace thymus::dpi
