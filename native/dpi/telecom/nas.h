// Non-access stratum of EPS (3GPP TS 24.301) and 5GS (TS 24.501), as S1AP and NGAP carry it: what
// is said in clear, or protected in integrity only.
#pragma once

#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {

struct Nas {
  uint8_t security_header = 0;
  std::string_view message;  // of mobility management; empty where it is ciphered or unknown
  std::string_view session_message;
  uint8_t session_id = 0;  // PDU session, or EPS bearer; 0 without
  Digits imsi;
  Digits imei;
  Bytes tmsi;  // S-TMSI or 5G-S-TMSI, assigned or shown: into the message
  AccessPoint apn;
  Slice slice;
  bool has_slice = false;
  bool has_address = false;
  IpAddress ue_address;
};

// False when `bytes` begin as no such message.
bool read_eps_nas(Bytes bytes, Nas* out);
bool read_5gs_nas(Bytes bytes, Nas* out);

}  // namespace thymus::dpi
