// Names of BACnet's numbers (ASHRAE 135, clauses 6, 20, 21 and annex J).
#pragma once

#include "base/number_names.h"
#include "dpi/industrial/operation.h"

namespace thymus::dpi {

extern const std::span<const NumberName> kBacnetObjectTypes;
extern const std::span<const NumberName> kBacnetProperties;
extern const std::span<const NumberName> kBacnetErrorClasses;
extern const std::span<const NumberName> kBacnetErrorCodes;
extern const std::span<const NumberName> kBacnetRejectReasons;
extern const std::span<const NumberName> kBacnetAbortReasons;
extern const std::span<const NumberName> kBacnetNetworkMessages;
extern const std::span<const Service> kBacnetLinkFunctions;
extern const std::span<const Service> kBacnetConfirmedServices;
extern const std::span<const Service> kBacnetUnconfirmedServices;

}  // namespace thymus::dpi
