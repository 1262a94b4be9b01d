// The Common Industrial Protocol (CIP Volume 1): one message of its message router, with the
// messages that it carries in turn, one level deep.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {

struct CipMessage {
  uint8_t service;  // without the bit of a response
  bool is_response;
  uint8_t status;         // of a response
  Bytes extended_status;  // of a response
  Bytes path;             // of a request
  uint32_t class_id;      // the last one of the path; of a response: of its request
  Bytes data;             // behind the path or the status
};

// False for what is no message. The class of a response is that of its request, 0 where that is
// not known.
bool read_cip(Bytes bytes, uint32_t class_id_of_request, CipMessage* message);
// What a request asks for: the gravest of what it carries.
Operation cip_operation(const CipMessage& request);
// Writes the fields into the object that is open: enip.request.cip or enip.response.cip.
void put_cip_request(const CipMessage& request, EventWriter* events);
void put_cip_response(const CipMessage& response, EventWriter* events);

}  // namespace thymus::dpi
