// Tells the service manager that started this process how it fares (sd_notify(3)).
#pragma once

#include <string>

namespace thymus::engine {

// Sends `text`, lines such as "READY=1", to the datagram socket at `path`; an abstract one begins
// with '@'. False when it cannot be sent.
bool notify_service(const std::string& path, const std::string& text);

}  // namespace thymus::engine
