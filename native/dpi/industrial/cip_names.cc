#include "dpi/industrial/cip_names.h"

#include "base/number_names.h"

namespace thymus::dpi {
namespace {

constexpr uint32_t kFileClass = 0x37;

// Common services and those of Logix controllers.
constexpr Service kServices[] = {{0x01, "Get Attributes All", Operation::kRead},
                                 {0x02, "Set Attributes All", Operation::kWrite},
                                 {0x03, "Get Attribute List", Operation::kRead},
                                 {0x04, "Set Attribute List", Operation::kWrite},
                                 {0x05, "Reset", Operation::kControl},
                                 {0x06, "Start", Operation::kControl},
                                 {0x07, "Stop", Operation::kControl},
                                 {0x08, "Create", Operation::kProgram},
                                 {0x09, "Delete", Operation::kProgram},
                                 {0x0a, "Multiple Service Packet", Operation::kOther},
                                 {0x0d, "Apply Attributes", Operation::kWrite},
                                 {0x0e, "Get Attributes Single", Operation::kRead},
                                 {0x10, "Set Attributes Single", Operation::kWrite},
                                 {0x11, "Find Next Object Instance", Operation::kRead},
                                 {0x15, "Restore", Operation::kProgram},
                                 {0x16, "Save", Operation::kProgram},
                                 {0x17, "No Forward Open", Operation::kOther},
                                 {0x18, "Get Member", Operation::kRead},
                                 {0x19, "Set Member", Operation::kWrite},
                                 {0x1a, "Insert Member", Operation::kWrite},
                                 {0x1b, "Remove Member", Operation::kWrite},
                                 {0x1c, "Group Sync", Operation::kOther},
                                 {0x1d, "Get Connection Point Member List", Operation::kRead},
                                 {0x4b, "Execute PCCC Service", Operation::kOther},
                                 {0x4c, "Read Data", Operation::kRead},
                                 {0x4d, "Write Data", Operation::kWrite},
                                 {0x4e, "Read Write Modify Data", Operation::kWrite},
                                 {0x52, "Read Data Fragmented", Operation::kRead},
                                 {0x53, "Write Data Fragmented", Operation::kWrite},
                                 {0x54, "Forward Open", Operation::kOther},
                                 {0x55, "Get Instance Attribute List", Operation::kRead}};
static_assert(is_sorted_table(kServices));

constexpr Service kConnectionServices[] = {{0x4e, "Forward Close", Operation::kOther},
                                           {0x52, "Unconnected Send", Operation::kOther},
                                           {0x54, "Forward Open", Operation::kOther},
                                           {0x56, "Get Connection Data", Operation::kRead},
                                           {0x57, "Search Connection Data", Operation::kRead},
                                           {0x5a, "Get Connection Owner", Operation::kRead},
                                           {0x5b, "Large Forward Open", Operation::kOther}};
static_assert(is_sorted_table(kConnectionServices));

constexpr Service kFileServices[] = {{0x4b, "Initiate Upload", Operation::kProgram},
                                     {0x4c, "Initiate Download", Operation::kProgram},
                                     {0x4d, "Initiate Partial Read", Operation::kProgram},
                                     {0x4e, "Initiate Partial Write", Operation::kProgram},
                                     {0x4f, "Upload Transfer", Operation::kProgram},
                                     {0x50, "Download Transfer", Operation::kProgram},
                                     {0x51, "Clear File", Operation::kProgram}};
static_assert(is_sorted_table(kFileServices));

// Commands of older controllers (DF1, publication 1770-6.5.16): command, then function where the
// command has functions.
constexpr Service kPcccCommands[] = {
    {0x0000, "protected_write", Operation::kWrite},
    {0x0100, "unprotected_read", Operation::kRead},
    {0x0200, "protected_bit_write", Operation::kWrite},
    {0x0500, "unprotected_bit_write", Operation::kWrite},
    {0x0600, "echo", Operation::kOther},
    {0x0601, "read_diagnostic_counters", Operation::kRead},
    {0x0602, "set_variables", Operation::kWrite},
    {0x0603, "diagnostic_status", Operation::kIdentify},
    {0x0604, "set_timeout", Operation::kWrite},
    {0x0607, "reset_diagnostic_counters", Operation::kWrite},
    {0x0608, "set_data_table_size", Operation::kProgram},
    {0x0800, "unprotected_write", Operation::kWrite},
    {0x0f00, "word_range_write", Operation::kWrite},
    {0x0f01, "word_range_read", Operation::kRead},
    {0x0f02, "bit_write", Operation::kWrite},
    {0x0f11, "get_edit_resource", Operation::kProgram},
    {0x0f12, "return_edit_resource", Operation::kProgram},
    {0x0f17, "read_bytes_physical", Operation::kProgram},
    {0x0f18, "write_bytes_physical", Operation::kProgram},
    {0x0f26, "read_modify_write", Operation::kWrite},
    {0x0f29, "read_section_size", Operation::kRead},
    {0x0f3a, "set_cpu_mode", Operation::kControl},
    {0x0f41, "disable_forces", Operation::kControl},
    {0x0f50, "download_all_request", Operation::kProgram},
    {0x0f52, "download_completed", Operation::kProgram},
    {0x0f53, "upload_all_request", Operation::kProgram},
    {0x0f55, "upload_completed", Operation::kProgram},
    {0x0f57, "initialize_memory", Operation::kProgram},
    {0x0f5e, "modify_plc2_compatibility_file", Operation::kProgram},
    {0x0f67, "typed_write", Operation::kWrite},
    {0x0f68, "typed_read", Operation::kRead},
    {0x0f80, "change_mode", Operation::kControl},
    {0x0f81, "open_file", Operation::kProgram},
    {0x0f82, "close_file", Operation::kProgram},
    {0x0f8f, "apply_port_configuration", Operation::kProgram},
    {0x0fa1, "protected_logical_read_two", Operation::kRead},
    {0x0fa2, "protected_logical_read_three", Operation::kRead},
    {0x0fa7, "protected_file_read", Operation::kProgram},
    {0x0fa9, "protected_logical_write_two", Operation::kWrite},
    {0x0faa, "protected_logical_write_three", Operation::kWrite},
    {0x0fab, "protected_logical_write_mask", Operation::kWrite},
    {0x0faf, "protected_file_write", Operation::kProgram}};
static_assert(is_sorted_table(kPcccCommands));

constexpr NumberName kStatuses[] = {{0x00, "Success"},
                                    {0x01, "Connection Failure"},
                                    {0x02, "Resource Unavailable"},
                                    {0x03, "Invalid Parameter Value"},
                                    {0x04, "Path Segment Error"},
                                    {0x05, "Path Destination Unknown"},
                                    {0x06, "Partial Transfer"},
                                    {0x07, "Connection Lost"},
                                    {0x08, "Service Not Supported"},
                                    {0x09, "Invalid Attribute Value"},
                                    {0x0a, "Attribute List Error"},
                                    {0x0b, "Already In Requested Mode/State"},
                                    {0x0c, "Object State Conflict"},
                                    {0x0d, "Object Already Exists"},
                                    {0x0e, "Attribute Not Settable"},
                                    {0x0f, "Privilege Violation"},
                                    {0x10, "Device State Conflict"},
                                    {0x11, "Reply Data Too Large"},
                                    {0x12, "Fragmentation Of A Primitive Value"},
                                    {0x13, "Not Enough Data"},
                                    {0x14, "Attribute Not Supported"},
                                    {0x15, "Too Much Data"},
                                    {0x16, "Object Does Not Exist"},
                                    {0x17, "Service Fragmentation Sequence Not In Progress"},
                                    {0x18, "No Stored Attribute Data"},
                                    {0x19, "Store Operation Failure"},
                                    {0x1a, "Routing Failure, Request Packet Too Large"},
                                    {0x1b, "Routing Failure, Response Packet Too Large"},
                                    {0x1c, "Missing Attribute List Entry Data"},
                                    {0x1d, "Invalid Attribute Value List"},
                                    {0x1e, "Embedded Service Error"},
                                    {0x1f, "Vendor Specific Error"},
                                    {0x20, "Invalid Parameter"},
                                    {0x21, "Write-Once Value Or Medium Already Written"},
                                    {0x22, "Invalid Reply Received"},
                                    {0x23, "Buffer Overflow"},
                                    {0x24, "Invalid Message Format"},
                                    {0x25, "Key Failure In Path"},
                                    {0x26, "Path Size Invalid"},
                                    {0x27, "Unexpected Attribute In List"},
                                    {0x28, "Invalid Member ID"},
                                    {0x29, "Member Not Settable"},
                                    {0x2a, "Group 2 Only Server General Failure"},
                                    {0x2b, "Unknown Modbus Error"},
                                    {0x2c, "Attribute Not Gettable"},
                                    {0xff, "Still Processing"}};
static_assert(is_sorted_table(kStatuses));

// Of the connection manager, the ones that are seen.
constexpr NumberName kExtendedStatuses[] = {
    {0x100, "Connection in use or duplicate Forward Open"},
    {0x103, "Transport class and trigger combination not supported"},
    {0x106, "Ownership conflict"},
    {0x107, "Target connection not found"},
    {0x108, "Invalid network connection parameter"},
    {0x109, "Invalid connection size"},
    {0x110, "Target for connection not configured"},
    {0x111, "RPI not supported"},
    {0x113, "Out of connections"},
    {0x114, "Vendor ID or product code mismatch"},
    {0x115, "Device type mismatch"},
    {0x116, "Revision mismatch"},
    {0x117, "Invalid produced or consumed application path"},
    {0x118, "Invalid or inconsistent configuration application path"},
    {0x119, "Non-listen only connection not opened"},
    {0x11a, "Target object out of connections"},
    {0x11c, "Transport class not supported"},
    {0x127, "Invalid O->T size"},
    {0x128, "Invalid T->O size"},
    {0x203, "Connection timed out"},
    {0x204, "Unconnected request timed out"},
    {0x205, "Parameter error in unconnected request"},
    {0x206, "Message too large for UnconnectedSend"},
    {0x301, "No buffer memory available"},
    {0x302, "Network bandwidth not available for data"},
    {0x311, "Port not available"},
    {0x312, "Link address not valid"},
    {0x315, "Invalid segment in connection path"},
    {0x316, "ForwardClose connection path mismatch"}};
static_assert(is_sorted_table(kExtendedStatuses));

constexpr NumberName kClasses[] = {{0x01, "Identity"},
                                   {0x02, "Message Router"},
                                   {0x03, "DeviceNet"},
                                   {0x04, "Assembly"},
                                   {0x05, "Connection"},
                                   {0x06, "Connection Manager"},
                                   {0x07, "Register"},
                                   {0x08, "Discrete Input Point"},
                                   {0x09, "Discrete Output Point"},
                                   {0x0a, "Analog Input Point"},
                                   {0x0b, "Analog Output Point"},
                                   {0x0e, "Presence Sensing"},
                                   {0x0f, "Parameter"},
                                   {0x10, "Parameter Group"},
                                   {0x12, "Group"},
                                   {0x1d, "Discrete Input Group"},
                                   {0x1e, "Discrete Output Group"},
                                   {0x1f, "Discrete Group"},
                                   {0x20, "Analog Input Group"},
                                   {0x21, "Analog Output Group"},
                                   {0x22, "Analog Group"},
                                   {0x23, "Position Sensor"},
                                   {0x24, "Position Controller Supervisor"},
                                   {0x25, "Position Controller"},
                                   {0x26, "Block Sequencer"},
                                   {0x27, "Command Block"},
                                   {0x28, "Motor Data"},
                                   {0x29, "Control Supervisor"},
                                   {0x2a, "AC/DC Drive"},
                                   {0x2b, "Acknowledge Handler"},
                                   {0x2c, "Overload"},
                                   {0x2d, "Softstart"},
                                   {0x2e, "Selection"},
                                   {0x37, "File"},
                                   {0x39, "Safety Supervisor"},
                                   {0x3a, "Safety Validator"},
                                   {0x41, "Event Log"},
                                   {0x42, "Motion Device Axis"},
                                   {0x43, "Time Sync"},
                                   {0x44, "Modbus"},
                                   {0x45, "Originator Connection List"},
                                   {0x46, "Modbus Serial Link"},
                                   {0x47, "Device Level Ring (DLR)"},
                                   {0x48, "QoS"},
                                   {0x4d, "Target Connection List"},
                                   {0x4e, "Base Energy"},
                                   {0x4f, "Electrical Energy"},
                                   {0x51, "Base Switch"},
                                   {0x52, "SNMP"},
                                   {0x53, "Power Management"},
                                   {0x54, "RSTP Bridge"},
                                   {0x55, "RSTP Port"},
                                   {0x5d, "CIP Security"},
                                   {0x5e, "EtherNet/IP Security"},
                                   {0x5f, "Certificate Management"},
                                   {0x67, "PCCC Class"},
                                   {0xf0, "ControlNet"},
                                   {0xf1, "ControlNet Keeper"},
                                   {0xf2, "ControlNet Scheduling"},
                                   {0xf3, "Connection Configuration"},
                                   {0xf4, "Port"},
                                   {0xf5, "TCP/IP Interface"},
                                   {0xf6, "Ethernet Link"},
                                   {0xf7, "CompoNet"},
                                   {0xf8, "CompoNet Repeater"}};
static_assert(is_sorted_table(kClasses));

}  // namespace

Service cip_service(uint32_t class_id, uint8_t service) {
  Service found{};
  if (class_id == kCipConnectionManager) found = service_of(kConnectionServices, service);
  if (class_id == kFileClass) found = service_of(kFileServices, service);
  return found.name.empty() ? service_of(kServices, service) : found;
}

Service pccc_service(uint8_t command, uint8_t function) {
  return service_of(kPcccCommands, command * 0x100u + function);
}

std::string_view cip_status_name(uint8_t status) { return name_of(kStatuses, status); }

std::string_view cip_extended_status_name(uint16_t status) {
  return name_of(kExtendedStatuses, status);
}

std::string_view cip_class_name(uint32_t class_id) { return name_of(kClasses, class_id); }

}  // namespace thymus::dpi
