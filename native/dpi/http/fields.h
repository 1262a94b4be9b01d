// The fields of EVE's http object, in events http and in fileinfo.
#pragma once

#include <cstdint>

#include "dpi/context.h"
#include "dpi/http/head.h"

namespace thymus::dpi::http {

struct Transaction {
  const Head* request;   // null: it was not seen
  const Head* response;  // null: none came
  uint64_t length;       // of the response's body as it was sent, in bytes
};

// Identities of subscribers in calls of a 5G core's services leave as the options say.
void put_fields(const Transaction& transaction, Context* context);

}  // namespace thymus::dpi::http
