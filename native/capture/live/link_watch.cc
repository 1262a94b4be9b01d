#include "capture/live/link_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

namespace thymus::capture {
namespace {

constexpr size_t kMostMessageBytes = 32 * 1024;

// Parts of a message start at multiples of four.
constexpr size_t padding(size_t bytes) { return (4 - bytes % 4) % 4; }

std::string name_among(Reader attributes) {
  while (attributes.remaining() >= sizeof(rtattr)) {
    const uint16_t length = attributes.le16(), type = attributes.le16();
    if (length < sizeof(rtattr)) break;
    const Bytes value = attributes.take(length - sizeof(rtattr));
    if (!attributes.ok()) break;
    if (type == IFLA_IFNAME) {
      const std::string_view text = as_text(value);
      return std::string(text.substr(0, text.find('\0')));
    }
    attributes.take_up_to(padding(length));
  }
  return {};
}

}  // namespace

LinkWatch::LinkWatch()
    : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
  close(fd_);
  fd_ = -1;
}

LinkWatch::~LinkWatch() {
  if (fd_ >= 0) close(fd_);
}

const std::vector<LinkChange>& LinkWatch::take() {
  changes_.clear();
  uint8_t message[kMostMessageBytes];
  for (;;) {
    const ssize_t n = fd_ < 0 ? -1 : recv(fd_, message, sizeof message, 0);
    if (n <= 0) return changes_;
    read_link_changes({message, static_cast<size_t>(n)}, &changes_);
  }
}

void read_link_changes(Bytes bytes, std::vector<LinkChange>* out) {
  Reader messages(bytes);
  while (messages.remaining() >= sizeof(nlmsghdr)) {
    const uint32_t length = messages.le32();
    const uint16_t type = messages.le16();
    messages.skip(sizeof(nlmsghdr) - 6);
    if (length < sizeof(nlmsghdr)) return;
    Reader body(messages.take(length - sizeof(nlmsghdr)));
    if (!messages.ok()) return;
    messages.take_up_to(padding(length));
    if (type != RTM_NEWLINK && type != RTM_DELLINK) continue;
    // A bridge speaks of its ports in its own family; they are not gone when they leave it.
    if (body.u8() != AF_UNSPEC) continue;
    body.skip(7);
    const uint32_t flags = body.le32();
    body.skip(4);
    std::string name = name_among(body);
    if (name.empty()) continue;
    out->push_back({std::move(name), type == RTM_NEWLINK && (flags & IFF_UP) != 0});
  }
}

}  // namespace thymus::capture
