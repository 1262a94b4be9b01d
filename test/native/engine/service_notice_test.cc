#include "engine/service_notice.h"

#include <cstddef>
#include <cstring>
#include <string>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace thymus::engine {
namespace {

// A service manager, at an abstract socket of this process.
class Manager {
 public:
  Manager() : name_("@thymus-test-" + std::to_string(getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  }
  ~Manager() { close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  const std::string& name() const { return name_; }
  std::string heard() const {
    char text[256];
    const ssize_t n = recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return n < 0 ? "" : std::string(text, static_cast<size_t>(n));
  }

 private:
  std::string name_;
  int fd_ = -1;
};

}  // namespace

TEST_CASE("service notice: reaches the manager") {
  const Manager manager;
  CHECK(notify_service(manager.name(), "READY=1\nSTATUS=watching"));
  CHECK(manager.heard() == "READY=1\nSTATUS=watching");
}

TEST_CASE("service notice: says when nobody hears it") {
  CHECK_FALSE(notify_service("", "READY=1"));
  CHECK_FALSE(notify_service("@thymus-test-nobody", "READY=1"));
  CHECK_FALSE(notify_service(std::string(200, 'x'), "READY=1"));
}

}  // namespace thymus::engine
