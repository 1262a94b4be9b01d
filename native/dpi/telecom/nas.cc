// Layout on the wire:
//
//   EPS   security header (4 bits)  discriminator 7 (4 bits)  [MAC (4)  sequence (1)  message]
//   5GS   discriminator 7e (1)  security header (1)           [MAC (4)  sequence (1)  message]
//
// A message under security header 2 or 4 is ciphered, but the null algorithm is common in
// laboratories and allowed for emergency calls: it is read where it shows a plain header and a
// known type.
#include "dpi/telecom/nas.h"

#include "dpi/telecom/names.h"

namespace thymus::dpi {
namespace {

constexpr int kMostElements = 32;
constexpr size_t kProtectionBytes = 5;  // authentication code and sequence number

constexpr CodeName kEpsMessages[] = {
    {0x41, "attach_request"},
    {0x42, "attach_accept"},
    {0x43, "attach_complete"},
    {0x44, "attach_reject"},
    {0x45, "detach_request"},
    {0x46, "detach_accept"},
    {0x48, "tracking_area_update_request"},
    {0x49, "tracking_area_update_accept"},
    {0x4a, "tracking_area_update_complete"},
    {0x4b, "tracking_area_update_reject"},
    {0x4c, "extended_service_request"},
    {0x4d, "control_plane_service_request"},
    {0x4e, "service_reject"},
    {0x4f, "service_accept"},
    {0x50, "guti_reallocation_command"},
    {0x51, "guti_reallocation_complete"},
    {0x52, "authentication_request"},
    {0x53, "authentication_response"},
    {0x54, "authentication_reject"},
    {0x55, "identity_request"},
    {0x56, "identity_response"},
    {0x5c, "authentication_failure"},
    {0x5d, "security_mode_command"},
    {0x5e, "security_mode_complete"},
    {0x5f, "security_mode_reject"},
    {0x60, "emm_status"},
    {0x61, "emm_information"},
    {0x62, "downlink_nas_transport"},
    {0x63, "uplink_nas_transport"},
    {0x64, "cs_service_notification"},
    {0x68, "downlink_generic_nas_transport"},
    {0x69, "uplink_generic_nas_transport"},
};
constexpr CodeName kEpsSessionMessages[] = {
    {0xc1, "activate_default_eps_bearer_context_request"},
    {0xc2, "activate_default_eps_bearer_context_accept"},
    {0xc3, "activate_default_eps_bearer_context_reject"},
    {0xc5, "activate_dedicated_eps_bearer_context_request"},
    {0xc6, "activate_dedicated_eps_bearer_context_accept"},
    {0xc7, "activate_dedicated_eps_bearer_context_reject"},
    {0xc9, "modify_eps_bearer_context_request"},
    {0xca, "modify_eps_bearer_context_accept"},
    {0xcb, "modify_eps_bearer_context_reject"},
    {0xcd, "deactivate_eps_bearer_context_request"},
    {0xce, "deactivate_eps_bearer_context_accept"},
    {0xd0, "pdn_connectivity_request"},
    {0xd1, "pdn_connectivity_reject"},
    {0xd2, "pdn_disconnect_request"},
    {0xd3, "pdn_disconnect_reject"},
    {0xd4, "bearer_resource_allocation_request"},
    {0xd5, "bearer_resource_allocation_reject"},
    {0xd6, "bearer_resource_modification_request"},
    {0xd7, "bearer_resource_modification_reject"},
    {0xd9, "esm_information_request"},
    {0xda, "esm_information_response"},
    {0xdb, "notification"},
    {0xe8, "esm_status"},
};
constexpr CodeName k5gsMessages[] = {
    {0x41, "registration_request"},
    {0x42, "registration_accept"},
    {0x43, "registration_complete"},
    {0x44, "registration_reject"},
    {0x45, "deregistration_request_from_ue"},
    {0x46, "deregistration_accept_to_ue"},
    {0x47, "deregistration_request_to_ue"},
    {0x48, "deregistration_accept_from_ue"},
    {0x4c, "service_request"},
    {0x4d, "service_reject"},
    {0x4e, "service_accept"},
    {0x4f, "control_plane_service_request"},
    {0x54, "configuration_update_command"},
    {0x55, "configuration_update_complete"},
    {0x56, "authentication_request"},
    {0x57, "authentication_response"},
    {0x58, "authentication_reject"},
    {0x59, "authentication_failure"},
    {0x5a, "authentication_result"},
    {0x5b, "identity_request"},
    {0x5c, "identity_response"},
    {0x5d, "security_mode_command"},
    {0x5e, "security_mode_complete"},
    {0x5f, "security_mode_reject"},
    {0x64, "5gmm_status"},
    {0x65, "notification"},
    {0x66, "notification_response"},
    {0x67, "ul_nas_transport"},
    {0x68, "dl_nas_transport"},
};
constexpr CodeName k5gsSessionMessages[] = {
    {0xc1, "pdu_session_establishment_request"},
    {0xc2, "pdu_session_establishment_accept"},
    {0xc3, "pdu_session_establishment_reject"},
    {0xc5, "pdu_session_authentication_command"},
    {0xc6, "pdu_session_authentication_complete"},
    {0xc7, "pdu_session_authentication_result"},
    {0xc9, "pdu_session_modification_request"},
    {0xca, "pdu_session_modification_reject"},
    {0xcb, "pdu_session_modification_command"},
    {0xcc, "pdu_session_modification_complete"},
    {0xcd, "pdu_session_modification_command_reject"},
    {0xd1, "pdu_session_release_request"},
    {0xd2, "pdu_session_release_reject"},
    {0xd3, "pdu_session_release_command"},
    {0xd4, "pdu_session_release_complete"},
    {0xd6, "5gsm_status"},
};

Bytes value8(Reader* r) { return r->take(r->u8()); }
Bytes value16(Reader* r) { return r->take(r->be16()); }

// Digits of an identity whose first one shares its octet with the type (TS 24.008, 10.5.1.4).
Digits identity_digits(Bytes value) {
  if (value.empty() || value[0] >> 4 > 9) return {};
  Digits out;
  out.add(static_cast<char>('0' + (value[0] >> 4))).add(tbcd(value.subspan(1)).view());
  return out;
}

void read_apn(Bytes value, Nas* out) {
  if (!value.empty()) out->apn = access_point(value);
}

// The last four octets of a dual address are IPv4; an interface identifier alone is no address.
void read_ue_address(Bytes value, Nas* out) {
  constexpr uint8_t kV4 = 1, kV4V6 = 3;
  Reader r(value);
  const uint8_t type = r.u8() & 7;
  if (type == kV4V6) r.skip(8);
  if (type != kV4 && type != kV4V6) return;
  out->has_address = read_address(r.take(4), &out->ue_address);
}

// ---- EPS

namespace eps {

constexpr uint8_t kMobility = 7, kSession = 2, kServiceRequest = 12;

void read_identity(Bytes value, Nas* out) {
  constexpr uint8_t kImsi = 1, kImei = 2, kImeisv = 3;
  const uint8_t type = value.empty() ? 0 : value[0] & 7;
  if (type == kImsi) out->imsi = identity_digits(value);
  if (type == kImei || type == kImeisv) out->imei = identity_digits(value);
}

// In an element of its own the kind 6 says that a network, a group, a code and a TMSI follow, of
// which the last two are the S-TMSI.
void read_guti(Bytes value, Nas* out) {
  constexpr uint8_t kGuti = 6;
  if (value.size() == 11 && (value[0] & 7) == kGuti) out->tmsi = value.subspan(6);
}

// Elements that follow the ones with a fixed place: those of tag `wanted`.
template <typename Visit>
void each_optional(Reader r, Visit&& visit) {
  for (int i = 0; i < kMostElements && !r.empty(); ++i) {
    const uint8_t tag = r.u8();
    if (tag & 0x80) continue;  // tag and value share one octet
    const bool has_long_length = tag >> 4 == 7 && tag >= 0x78;
    const Bytes value = has_long_length ? value16(&r) : value8(&r);
    if (!r.ok()) return;
    visit(tag, value);
  }
}

void read_session(Bytes bytes, Nas* out) {
  constexpr uint8_t kActivateDefault = 0xc1, kPdnConnectivity = 0xd0, kInformation = 0xda,
                    kApn = 0x28;
  Reader r(bytes);
  const uint8_t head = r.u8();
  r.skip(1);  // transaction
  const uint8_t type = r.u8();
  if (!r.ok() || (head & 0xf) != kSession) return;
  out->session_message = name_in(kEpsSessionMessages, type);
  out->session_id = head >> 4;
  if (type == kActivateDefault) {
    value8(&r);  // quality of service
    read_apn(value8(&r), out);
    read_ue_address(value8(&r), out);
  }
  if (type == kPdnConnectivity) r.skip(1);
  if (type != kPdnConnectivity && type != kInformation) return;
  each_optional(r, [out](uint8_t tag, Bytes value) {
    if (tag == kApn) read_apn(value, out);
  });
}

void read_mobility(Reader r, Nas* out) {
  constexpr uint8_t kAttachRequest = 0x41, kAttachAccept = 0x42, kIdentityResponse = 0x56,
                    kSecurityModeComplete = 0x5e, kImeisv = 0x23, kGuti = 0x50;
  const uint8_t type = r.u8();
  out->message = name_in(kEpsMessages, type);
  switch (type) {
    case kAttachRequest: {
      r.skip(1);
      const Bytes identity = value8(&r);
      read_identity(identity, out);
      read_guti(identity, out);
      value8(&r);  // capabilities
      read_session(value16(&r), out);
      break;
    }
    case kAttachAccept:
      r.skip(2);
      value8(&r);  // tracking areas
      read_session(value16(&r), out);
      each_optional(r, [out](uint8_t tag, Bytes value) {
        if (tag == kGuti) read_guti(value, out);
      });
      break;
    case kIdentityResponse:
      read_identity(value8(&r), out);
      break;
    case kSecurityModeComplete:
      each_optional(r, [out](uint8_t tag, Bytes value) {
        if (tag == kImeisv) read_identity(value, out);
      });
      break;
    default:
      break;
  }
}

}  // namespace eps

// ---- 5GS

namespace fivegs {

constexpr uint8_t kMobility = 0x7e, kSession = 0x2e;

void read_identity(Bytes value, Nas* out) {
  constexpr uint8_t kSuci = 1, kGuti = 2, kImei = 3, kTmsi = 4, kImeisv = 5, kNullScheme = 0;
  Reader r(value);
  const uint8_t head = r.u8();
  // Of the 5G-GUTI the last octets are the 5G-S-TMSI, which may also stand alone.
  if ((head & 7) == kGuti && value.size() == 11) out->tmsi = value.subspan(5);
  if ((head & 7) == kTmsi && value.size() == 7) out->tmsi = value.subspan(1);
  if ((head & 7) == kImei || (head & 7) == kImeisv) out->imei = identity_digits(value);
  // Of a concealed identity only one under the null scheme can be read, and only an IMSI.
  if ((head & 7) != kSuci || (head >> 4 & 7) != 0) return;
  const Digits plmn = plmn_text(r.take(3));
  r.skip(2);  // routing indicator
  const uint8_t scheme = r.u8() & 0xf;
  r.skip(1);  // public key
  if (!r.ok() || scheme != kNullScheme) return;
  const Digits rest = tbcd(r.rest());
  if (!plmn.empty() && !rest.empty()) out->imsi.add(plmn.view()).add(rest.view());
}

void read_slice(Bytes value, Nas* out) {
  // A length of 1, 2, 4, 5 or 8; of 4 and more the differentiator comes second.
  Reader r(value);
  out->slice.sst = r.u8();
  out->slice.has_sd = value.size() >= 4;
  out->slice.sd = out->slice.has_sd ? r.be24() : 0;
  out->has_slice = r.ok();
}

template <typename Visit>
void each_optional(Reader r, Visit&& visit) {
  constexpr uint8_t kPduSession = 0x12, kOldPduSession = 0x59, kTimer = 0x56, kCause = 0x58;
  for (int i = 0; i < kMostElements && !r.empty(); ++i) {
    const uint8_t tag = r.u8();
    if (tag & 0x80) continue;
    Bytes value;
    if (tag == kPduSession || tag == kOldPduSession || tag == kTimer || tag == kCause) {
      value = r.take(1);
    } else {
      value = tag >> 4 == 7 ? value16(&r) : value8(&r);
    }
    if (!r.ok()) return;
    visit(tag, value);
  }
}

void read_option(uint8_t tag, Bytes value, Nas* out) {
  constexpr uint8_t kPduSession = 0x12, kSlice = 0x22, kDnn = 0x25, kPduAddress = 0x29;
  if (tag == kPduSession) out->session_id = Reader(value).u8();
  if (tag == kSlice) read_slice(value, out);
  if (tag == kDnn) read_apn(value, out);
  if (tag == kPduAddress) read_ue_address(value, out);
}

void read_session(Bytes bytes, Nas* out) {
  constexpr uint8_t kEstablishmentAccept = 0xc2;
  Reader r(bytes);
  if (r.u8() != kSession) return;
  const uint8_t id = r.u8();
  r.skip(1);  // transaction
  const uint8_t type = r.u8();
  if (!r.ok()) return;
  out->session_message = name_in(k5gsSessionMessages, type);
  out->session_id = id;
  if (type != kEstablishmentAccept) return;
  r.skip(1);    // type and mode
  value16(&r);  // rules
  value8(&r);   // bit rates
  if (!r.ok()) return;
  each_optional(r, [out](uint8_t tag, Bytes value) { read_option(tag, value, out); });
}

void read_optional_identity(Reader r, Nas* out) {
  constexpr uint8_t kIdentity = 0x77;
  each_optional(r, [out](uint8_t tag, Bytes value) {
    if (tag == kIdentity) read_identity(value, out);
  });
}

void read_mobility(Reader r, Nas* out) {
  constexpr uint8_t kRegistrationRequest = 0x41, kRegistrationAccept = 0x42, kServiceRequest = 0x4c,
                    kConfigurationUpdate = 0x54, kIdentityResponse = 0x5c,
                    kSecurityModeComplete = 0x5e, kUplink = 0x67, kDownlink = 0x68,
                    kSessionContainer = 1;
  const uint8_t type = r.u8();
  out->message = name_in(k5gsMessages, type);
  switch (type) {
    case kRegistrationRequest:
    case kServiceRequest:
      r.skip(1);
      read_identity(value16(&r), out);
      break;
    case kRegistrationAccept:
      value8(&r);  // result
      read_optional_identity(r, out);
      break;
    case kConfigurationUpdate:
      read_optional_identity(r, out);
      break;
    case kIdentityResponse:
      read_identity(value16(&r), out);
      break;
    case kSecurityModeComplete:
      read_optional_identity(r, out);
      break;
    case kUplink:
    case kDownlink: {
      const bool is_session = (r.u8() & 0xf) == kSessionContainer;
      const Bytes container = value16(&r);
      if (!r.ok() || !is_session) break;
      read_session(container, out);
      each_optional(r, [out](uint8_t tag, Bytes value) { read_option(tag, value, out); });
      break;
    }
    default:
      break;
  }
}

}  // namespace fivegs
}  // namespace

bool read_eps_nas(Bytes bytes, Nas* out) {
  Reader r(bytes);
  const uint8_t head = r.u8();
  if ((head & 0xf) == eps::kSession) {
    eps::read_session(bytes, out);
    return !out->session_message.empty();
  }
  if (!r.ok() || (head & 0xf) != eps::kMobility) return false;
  out->security_header = head >> 4;
  if (out->security_header == eps::kServiceRequest) {
    out->message = "service_request";
    return true;
  }
  if (out->security_header != 0) {
    r.skip(kProtectionBytes);
    if ((r.peek_u8() & 0xf) == eps::kSession) {
      eps::read_session(r.rest(), out);
      if (out->session_message.empty()) out->session_id = 0;
      return true;
    }
    if (r.u8() != eps::kMobility) return true;
  }
  if (name_in(kEpsMessages, r.peek_u8()).empty()) return out->security_header != 0;
  eps::read_mobility(r, out);
  return true;
}

bool read_5gs_nas(Bytes bytes, Nas* out) {
  Reader r(bytes);
  if (r.u8() != fivegs::kMobility) return false;
  out->security_header = r.u8() & 0xf;
  if (!r.ok()) return false;
  if (out->security_header != 0) {
    r.skip(kProtectionBytes);
    if (r.u8() != fivegs::kMobility || r.u8() != 0) return true;
  }
  if (name_in(k5gsMessages, r.peek_u8()).empty()) return out->security_header != 0;
  fivegs::read_mobility(r, out);
  return true;
}

}  // namespace thymus::dpi
