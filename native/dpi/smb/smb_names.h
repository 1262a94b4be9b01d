// Names of SMB's numbers (MS-CIFS, MS-SMB2, MS-ERREF, MS-FSCC). A number without one is shown as
// such.
#pragma once

#include <cstdint>

#include "base/text_builder.h"

namespace thymus::dpi {

using SmbName = TextBuilder<48>;

SmbName smb_status_name(uint32_t status);
SmbName smb_command_name(bool is_smb1, uint16_t command);
SmbName smb_dialect_name(uint16_t dialect);
SmbName smb_function_name(uint32_t function);

}  // namespace thymus::dpi
