// What the operating system says about a failed call, in words for a sentence.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace thymus::capture {

inline std::string os_error(int error_number = errno) { return std::strerror(error_number); }

}  // namespace thymus::capture
