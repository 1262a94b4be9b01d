// One interface through a packet socket with a ring that the kernel fills (TPACKET_V3, packet(7),
// Documentation/networking/packet_mmap.rst): no system call and no copy per frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>

#include "base/status.h"
#include "capture/format.h"
#include "capture/live/interfaces.h"

namespace thymus::capture {

struct RingOptions {
  size_t bytes = 64u << 20;
  std::string filter;                // pcap-filter(7); empty: everything
  bool promiscuous = true;           // also frames for other machines
  bool hardware_timestamps = false;  // of the network card where it has them
  bool ignore_outgoing = false;      // the other end of what this machine sends is watched, too
};

// What the kernel says of a ring, summed over its life.
struct RingCounts {
  uint64_t received = 0;  // by the socket, those dropped included
  uint64_t dropped = 0;   // since the ring was full
};

class PacketRing {
 public:
  // A block goes to the reader when it is full or this old.
  static constexpr int kRetireMs = 4;
  static constexpr size_t kBlockBytes = 1u << 20;
  static constexpr size_t kLeastBytes = 4 * kBlockBytes;

  static Status open(const Interface& interface, uint16_t position, const RingOptions& options,
                     std::unique_ptr<PacketRing>* out);
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  int fd() const { return fd_; }
  int index() const { return index_; }
  // Adds frames until the list or what is there is used up; they stay until release(). A frame
  // whose VLAN tag the kernel took off has it back.
  void take(FrameList* frames);
  // Gives back the blocks whose frames were all taken. Frames taken before are gone.
  void release();
  // Share of the ring that waits for the reader, 0 to 1.
  double fill() const;
  // Frames that are shown and were not taken.
  uint64_t unread() const;
  // Reads the kernel's counters, which reading resets.
  RingCounts counts();
  // Takes the error off the socket that woke a poll, so that it does not wake the next one.
  void clear_error();

 private:
  PacketRing(int fd, int index, uint16_t link_type, uint16_t position);
  Status set_up(const Interface& interface, const RingOptions& options);
  uint8_t* block(size_t i) const { return memory_ + i * kBlockBytes; }
  bool is_ready(size_t i) const;

  int fd_;
  int index_;
  uint16_t link_type_;
  uint16_t position_;  // of the interface in its source
  bool skips_outgoing_ = false;
  uint8_t* memory_ = nullptr;
  size_t n_blocks_ = 0;
  size_t taken_ = 0;          // block that frames are taken from
  size_t released_ = 0;       // block that is given back next
  uint32_t frames_left_ = 0;  // in block taken_, once it was begun
  bool is_begun_ = false;
  uint8_t* next_frame_ = nullptr;
  RingCounts counts_;
};

}  // namespace thymus::capture
