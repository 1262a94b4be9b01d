#include "capture/live/interfaces.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fnmatch.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace thymus::capture {
namespace {

constexpr uint16_t kLinkTypeEthernet = 1, kLinkTypeRaw = 101, kLinkType80211 = 105,
                   kLinkTypeRadiotap = 127;

class ControlSocket {
 public:
  ControlSocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~ControlSocket() {
    if (fd_ >= 0) close(fd_);
  }
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  bool ask(unsigned long request, const std::string& name, ifreq* out) const {
    if (fd_ < 0 || name.size() >= IFNAMSIZ) return false;
    std::memcpy(out->ifr_name, name.c_str(), name.size() + 1);
    return ioctl(fd_, request, out) == 0;
  }

 private:
  int fd_;
};

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != text.npos; }

bool fits(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  struct if_nameindex* list = if_nameindex();
  for (auto* i = list; i != nullptr && i->if_index != 0; ++i) names.emplace_back(i->if_name);
  if (list != nullptr) if_freenameindex(list);
  return names;
}

// A number that the kernel shows in /sys; -1 where it does not.
int64_t number_in_sys(const std::string& name, const char* file) {
  const std::string path = "/sys/class/net/" + name + "/" + file;
  std::unique_ptr<FILE, int (*)(FILE*)> stream(std::fopen(path.c_str(), "re"), std::fclose);
  long long value = -1;
  if (stream == nullptr || std::fscanf(stream.get(), "%lld", &value) != 1) return -1;
  return value;
}

bool has_offload(const std::string& name, uint32_t command) {
  ethtool_value value{command, 0};
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ControlSocket().ask(SIOCETHTOOL, name, &request) && value.data != 0;
}

bool has_lro(const std::string& name) {
  ethtool_value flags{ETHTOOL_GFLAGS, 0};
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&flags);
  return ControlSocket().ask(SIOCETHTOOL, name, &request) && (flags.data & ETH_FLAG_LRO) != 0;
}

}  // namespace

Interface interface_named(const std::string& name) {
  Interface found;
  found.name = name;
  found.index = static_cast<int>(if_nametoindex(name.c_str()));
  ifreq request{};
  if (found.index != 0 && ControlSocket().ask(SIOCGIFFLAGS, name, &request)) {
    found.is_up = request.ifr_flags & IFF_UP;
    found.is_loopback = request.ifr_flags & IFF_LOOPBACK;
  }
  return found;
}

Status find_interfaces(const std::vector<std::string>& patterns, std::vector<Interface>* out) {
  out->clear();
  const std::vector<std::string> names = all_names();
  const auto add = [out](const std::string& name) {
    const auto is_same = [&](const Interface& i) { return i.name == name; };
    if (std::none_of(out->begin(), out->end(), is_same)) out->push_back(interface_named(name));
  };
  for (const std::string& pattern : patterns) {
    if (!is_pattern(pattern)) {
      add(pattern);
      continue;
    }
    const size_t before = out->size();
    for (const std::string& name : names) {
      if (fits(pattern, name)) add(name);
    }
    if (out->size() == before) {
      return {StatusCode::kNotFound,
              "No interface fits '" + pattern + "': 'ip -brief link' lists those that there are."};
    }
  }
  return {};
}

Status link_type_of(const std::string& name, uint16_t* out) {
  ifreq request{};
  if (!ControlSocket().ask(SIOCGIFHWADDR, name, &request)) {
    return {StatusCode::kNotFound,
            "There is no interface '" + name + "': 'ip -brief link' lists those that there are."};
  }
  switch (request.ifr_hwaddr.sa_family) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      *out = kLinkTypeEthernet;
      return {};
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
      *out = kLinkTypeRaw;
      return {};
    case ARPHRD_IEEE80211:
      *out = kLinkType80211;
      return {};
    case ARPHRD_IEEE80211_RADIOTAP:
      *out = kLinkTypeRadiotap;
      return {};
    default:
      return {StatusCode::kInvalidArgument,
              "Interface '" + name + "' is of a kind that cannot be watched (ARPHRD " +
                  std::to_string(request.ifr_hwaddr.sa_family) +
                  "): watch the Ethernet interface below or above it."};
  }
}

int peer_index(const std::string& name) {
  const int64_t link = number_in_sys(name, "iflink"), own = number_in_sys(name, "ifindex");
  return link > 0 && link != own ? static_cast<int>(link) : 0;
}

uint64_t nic_drops(const std::string& name) {
  uint64_t sum = 0;
  for (const char* file :
       {"statistics/rx_missed_errors", "statistics/rx_fifo_errors", "statistics/rx_over_errors"}) {
    sum += static_cast<uint64_t>(std::max<int64_t>(0, number_in_sys(name, file)));
  }
  return sum;
}

std::vector<std::string> preflight(const std::string& name) {
  std::vector<std::string> notes;
  const Interface found = interface_named(name);
  if (found.index == 0) {
    notes.push_back("Interface " + name + " is not there: it is watched as soon as it is.");
    return notes;
  }
  if (!found.is_up) {
    notes.push_back("Interface " + name + " is down: 'ip link set " + name + " up' starts it.");
  }
  if (found.is_loopback) return notes;
  std::string offloads;
  if (has_offload(name, ETHTOOL_GGRO)) offloads += " gro off";
  if (has_lro(name)) offloads += " lro off";
  if (!offloads.empty()) {
    notes.push_back("Interface " + name +
                    " glues packets together before they are seen, so that sizes and counts are "
                    "those of the larger ones: 'ethtool -K " +
                    name + offloads + "' keeps them as they were.");
  }
  return notes;
}

}  // namespace thymus::capture
