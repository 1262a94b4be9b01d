// Services of CIP by the class that they are asked of, PCCC commands, statuses and classes, by
// name.
#pragma once

#include <cstdint>
#include <string_view>

#include "dpi/industrial/operation.h"

namespace thymus::dpi {

inline constexpr uint32_t kCipConnectionManager = 0x06;

// A service without a name, or an empty name, where the number is not known.
Service cip_service(uint32_t class_id, uint8_t service);
// `function` is 0 for commands that have none.
Service pccc_service(uint8_t command, uint8_t function);
std::string_view cip_status_name(uint8_t status);
std::string_view cip_extended_status_name(uint16_t status);
std::string_view cip_class_name(uint32_t class_id);

}  // namespace thymus::dpi
