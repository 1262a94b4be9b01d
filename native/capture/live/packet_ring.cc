#include "capture/live/packet_ring.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/live/frame_filter.h"
#include "capture/os_error.h"

namespace thymus::capture {
namespace {

constexpr size_t kMacBytes = 12;  // destination and source, before the VLAN tag
constexpr size_t kTagBytes = 4;
constexpr unsigned kHeadroom = 8;       // before each frame, for the tag
constexpr unsigned kFrameBytes = 2048;  // of no meaning to a ring of blocks, but checked
constexpr int64_t kSecondNs = 1'000'000'000;

Status failed(const std::string& what, const Interface& interface) {
  if (errno == EPERM || errno == EACCES) {
    return {StatusCode::kNotPermitted,
            "Interface '" + interface.name +
                "' may not be watched: run thymus as root, or give it CAP_NET_RAW and "
                "CAP_NET_ADMIN."};
  }
  if (errno == ENOMEM || errno == ENOBUFS) {
    return {StatusCode::kIo, "There is no memory for the ring of interface '" + interface.name +
                                 "': ask for less with '--ring-mib'."};
  }
  return {StatusCode::kIo, "Interface '" + interface.name + "' cannot be watched: " + what + ": " +
                               os_error() + "."};
}

template <typename T>
bool set_option(int fd, int name, const T& value) {
  return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0;
}

// Puts the tag that the kernel took off back between the addresses and the type.
uint8_t* put_tag_back(uint8_t* frame, const tpacket3_hdr& header) {
  const uint16_t tpid = header.tp_status & TP_STATUS_VLAN_TPID_VALID ? header.hv1.tp_vlan_tpid
                                                                     : uint16_t{ETH_P_8021Q};
  uint8_t* start = frame - kTagBytes;
  std::memmove(start, frame, kMacBytes);
  const uint16_t tag[2] = {htons(tpid), htons(static_cast<uint16_t>(header.hv1.tp_vlan_tci))};
  std::memcpy(start + kMacBytes, tag, sizeof tag);
  return start;
}

}  // namespace

Status PacketRing::open(const Interface& interface, uint16_t position, const RingOptions& options,
                        std::unique_ptr<PacketRing>* out) {
  uint16_t link_type = 0;
  if (Status status = link_type_of(interface.name, &link_type); !status.ok()) return status;
  // Of protocol 0 nothing arrives before the filter is there and the interface bound.
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("no packet socket", interface);
  std::unique_ptr<PacketRing> ring(new PacketRing(fd, interface.index, link_type, position));
  if (Status status = ring->set_up(interface, options); !status.ok()) return status;
  *out = std::move(ring);
  return {};
}

PacketRing::PacketRing(int fd, int index, uint16_t link_type, uint16_t position)
    : fd_(fd), index_(index), link_type_(link_type), position_(position) {}

PacketRing::~PacketRing() {
  if (memory_ != nullptr) munmap(memory_, n_blocks_ * kBlockBytes);
  close(fd_);
}

Status PacketRing::set_up(const Interface& interface, const RingOptions& options) {
  std::vector<sock_filter> code;
  if (Status status = compile_filter(options.filter, link_type_, &code); !status.ok()) {
    return status;
  }
  if (!code.empty()) {
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
      return failed("the kernel refuses the filter", interface);
    }
  }
  if (!set_option(fd_, PACKET_VERSION, int{TPACKET_V3}) ||
      !set_option(fd_, PACKET_RESERVE, kHeadroom)) {
    return failed("the kernel has no TPACKET_V3", interface);
  }
  if (options.hardware_timestamps &&
      !set_option(fd_, PACKET_TIMESTAMP, int{SOF_TIMESTAMPING_RAW_HARDWARE})) {
    return failed("no time stamps of the card", interface);
  }
  n_blocks_ = std::max(options.bytes, kLeastBytes) / kBlockBytes;
  tpacket_req3 request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = static_cast<unsigned>(n_blocks_);
  request.tp_frame_size = kFrameBytes;
  request.tp_frame_nr = static_cast<unsigned>(n_blocks_ * (kBlockBytes / kFrameBytes));
  request.tp_retire_blk_tov = kRetireMs;
  if (!set_option(fd_, PACKET_RX_RING, request)) return failed("no ring", interface);
  void* memory = mmap(nullptr, n_blocks_ * kBlockBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) return failed("its ring cannot be mapped", interface);
  memory_ = static_cast<uint8_t*>(memory);

  // What this machine sends over its loopback interface arrives there as well.
  skips_outgoing_ = interface.is_loopback || options.ignore_outgoing;
  // Kernels before 4.20 give such frames all the same.
  if (skips_outgoing_) set_option(fd_, PACKET_IGNORE_OUTGOING, 1);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index_;
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("it cannot be bound", interface);
  }
  if (options.promiscuous && !interface.is_loopback) {
    packet_mreq request_all{};
    request_all.mr_ifindex = index_;
    request_all.mr_type = PACKET_MR_PROMISC;
    if (!set_option(fd_, PACKET_ADD_MEMBERSHIP, request_all)) {
      return failed("not in promiscuous mode", interface);
    }
  }
  return {};
}

bool PacketRing::is_ready(size_t i) const {
  auto* header = reinterpret_cast<tpacket_block_desc*>(block(i));
  std::atomic_ref<uint32_t> status(header->hdr.bh1.block_status);
  return status.load(std::memory_order_acquire) & TP_STATUS_USER;
}

void PacketRing::take(FrameList* frames) {
  while (!frames->full()) {
    if (!is_begun_) {
      // All around: what was taken last must be given back first.
      if (!is_ready(taken_) || (taken_ + 1) % n_blocks_ == released_) return;
      const auto* header = reinterpret_cast<const tpacket_block_desc*>(block(taken_));
      frames_left_ = header->hdr.bh1.num_pkts;
      next_frame_ = block(taken_) + header->hdr.bh1.offset_to_first_pkt;
      is_begun_ = true;
    }
    while (frames_left_ > 0 && !frames->full()) {
      const auto& header = *reinterpret_cast<const tpacket3_hdr*>(next_frame_);
      const auto& from =
          *reinterpret_cast<const sockaddr_ll*>(next_frame_ + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
      uint8_t* data = next_frame_ + header.tp_mac;
      next_frame_ += header.tp_next_offset;
      --frames_left_;
      if (skips_outgoing_ && from.sll_pkttype == PACKET_OUTGOING) continue;
      uint32_t added = 0;
      if (header.tp_status & TP_STATUS_VLAN_VALID && header.tp_snaplen >= kMacBytes) {
        data = put_tag_back(data, header);
        added = kTagBytes;
      }
      const uint32_t caplen = header.tp_snaplen + added;
      frames->push({data, header.tp_sec * kSecondNs + header.tp_nsec, caplen,
                    std::max(caplen, header.tp_len + added), link_type_, position_, 0});
    }
    if (frames_left_ == 0) {
      is_begun_ = false;
      taken_ = (taken_ + 1) % n_blocks_;
    }
  }
}

void PacketRing::release() {
  for (; released_ != taken_; released_ = (released_ + 1) % n_blocks_) {
    auto* header = reinterpret_cast<tpacket_block_desc*>(block(released_));
    std::atomic_ref<uint32_t> status(header->hdr.bh1.block_status);
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
  }
}

double PacketRing::fill() const {
  size_t ready = 0;
  while (ready < n_blocks_ && is_ready((taken_ + ready) % n_blocks_)) ++ready;
  return static_cast<double>(ready) / static_cast<double>(n_blocks_);
}

uint64_t PacketRing::unread() const {
  uint64_t n = is_begun_ ? frames_left_ : 0;
  for (size_t i = is_begun_ ? 1 : 0; i < n_blocks_; ++i) {
    const size_t at = (taken_ + i) % n_blocks_;
    // Those behind are taken and not given back yet.
    if (at == released_ && at != taken_) break;
    if (!is_ready(at)) break;
    n += reinterpret_cast<const tpacket_block_desc*>(block(at))->hdr.bh1.num_pkts;
  }
  return n;
}

RingCounts PacketRing::counts() {
  tpacket_stats_v3 stats{};
  socklen_t size = sizeof stats;
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
    counts_.received += stats.tp_packets;
    counts_.dropped += stats.tp_drops;
  }
  return counts_;
}

void PacketRing::clear_error() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
}

}  // namespace thymus::capture
