#include "inject/link_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/live/interfaces.h"
#include "capture/os_error.h"

namespace thymus::inject {
namespace {

constexpr uint16_t kLinkTypeEthernet = 1;
constexpr size_t kMacBytes = 12;  // destination and source, before the VLAN tag

Status failed(const std::string& interface, const std::string& what) {
  if (errno == EPERM || errno == EACCES) {
    return {StatusCode::kNotPermitted, "No resets can be sent over interface '" + interface +
                                           "': run the responder as root, or give it CAP_NET_RAW."};
  }
  return {StatusCode::kIo, "No resets can be sent over interface '" + interface + "': " + what +
                               ": " + capture::os_error() + "."};
}

int index_of(const std::string& interface) {
  return static_cast<int>(if_nametoindex(interface.c_str()));
}

Status open_socket(const std::string& interface, int* fd, int* index) {
  uint16_t link_type = 0;
  if (Status status = capture::link_type_of(interface, &link_type); !status.ok()) return status;
  if (link_type != kLinkTypeEthernet) {
    return {StatusCode::kInvalidArgument,
            "Interface '" + interface + "' is no Ethernet: name one that is."};
  }
  *index = index_of(interface);
  // Of protocol 0 nothing arrives before it is bound to all.
  *fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return *fd >= 0 ? Status() : failed(interface, "no packet socket");
}

sockaddr_ll address_of(int index, uint16_t protocol) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = index;
  return address;
}

bool bind_to(int fd, const sockaddr_ll& address) {
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// What the kernel knows of a frame beside its bytes; null where it says nothing.
const tpacket_auxdata* auxiliary(msghdr* message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(message); c != nullptr; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
      return reinterpret_cast<const tpacket_auxdata*>(CMSG_DATA(c));
    }
  }
  return nullptr;
}

}  // namespace

Status TapSocket::open(const std::string& interface, std::unique_ptr<TapSocket>* out) {
  int fd = -1, index = 0;
  if (Status status = open_socket(interface, &fd, &index); !status.ok()) return status;
  std::unique_ptr<TapSocket> tap(new TapSocket(fd, interface, index));
  const int on = 1;
  if (!tap->set_filter(tap_filter({})) ||
      setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0 ||
      !bind_to(fd, address_of(index, ETH_P_ALL))) {
    return failed(interface, "it cannot be heard");
  }
  packet_mreq all{};
  all.mr_ifindex = index;
  all.mr_type = PACKET_MR_PROMISC;
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0) {
    return failed(interface, "not in promiscuous mode");
  }
  *out = std::move(tap);
  return {};
}

TapSocket::TapSocket(int fd, std::string interface, int index)
    : fd_(fd), interface_(std::move(interface)), index_(index) {}

TapSocket::~TapSocket() { close(fd_); }

bool TapSocket::is_attached() const { return index_of(interface_) == index_; }

bool TapSocket::set_filter(std::span<const sock_filter> code) {
  const sock_fprog program{static_cast<unsigned short>(code.size()),
                           const_cast<sock_filter*>(code.data())};
  return setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool TapSocket::take(Head* out) {
  iovec part{buffer_ + kTagBytes, kHeadBytes};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(tpacket_auxdata))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  // An interface that went down says so once, and what it hears later is there all the same.
  do {
    n = recvmsg(fd_, &message, 0);
  } while (n < 0 && (errno == EINTR || errno == ENETDOWN));
  if (n < 0) return false;
  const auto size = static_cast<size_t>(n);
  *out = {{buffer_ + kTagBytes, size}, static_cast<uint32_t>(size)};
  const tpacket_auxdata* aux = auxiliary(&message);
  if (aux == nullptr) return true;
  out->origlen = std::max(out->origlen, aux->tp_len);
  if (!(aux->tp_status & TP_STATUS_VLAN_VALID) || size < kMacBytes) return true;
  const uint16_t type =
      aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : uint16_t{ETH_P_8021Q};
  const uint16_t tag[2] = {htons(type), htons(aux->tp_vlan_tci)};
  std::memmove(buffer_, buffer_ + kTagBytes, kMacBytes);
  std::memcpy(buffer_ + kMacBytes, tag, sizeof tag);
  *out = {{buffer_, size + kTagBytes}, out->origlen + static_cast<uint32_t>(kTagBytes)};
  return true;
}

uint64_t TapSocket::drops() {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) drops_ += stats.tp_drops;
  return drops_;
}

Status SendSocket::open(const std::string& interface, std::unique_ptr<SendSocket>* out) {
  int fd = -1, index = 0;
  if (Status status = open_socket(interface, &fd, &index); !status.ok()) return status;
  std::unique_ptr<SendSocket> sender(new SendSocket(fd, interface, index));
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), std::min(interface.size(), size_t{IFNAMSIZ - 1}));
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) return failed(interface, "it has no address");
  std::memcpy(sender->mac_.data(), request.ifr_hwaddr.sa_data, sender->mac_.size());
  // Past the queues, which costs a reset the race, and unseen by those who watch this interface.
  const int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  if (!bind_to(fd, address_of(index, 0))) return failed(interface, "it cannot be bound");
  *out = std::move(sender);
  return {};
}

SendSocket::SendSocket(int fd, std::string interface, int index) noexcept
    : fd_(fd), interface_(std::move(interface)), index_(index) {}

SendSocket::~SendSocket() { close(fd_); }

bool SendSocket::is_attached() const { return index_of(interface_) == index_; }

bool SendSocket::send(Bytes frame) {
  ssize_t sent;
  do {
    sent = ::send(fd_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(frame.size());
}

}  // namespace thymus::inject
