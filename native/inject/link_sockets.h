// The two packet sockets (packet(7)) of an injector: one hears the tap, the other one sends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <linux/filter.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/status.h"
#include "inject/tap_filter.h"

namespace thymus::inject {

// The head of a frame; a VLAN tag that the kernel took off is in its place again.
struct Head {
  Bytes bytes;  // valid until the next take()
  uint32_t origlen;
};

class TapSocket {
 public:
  // Hears nothing before a filter is set. An interface that gives no Ethernet is refused.
  static Status open(const std::string& interface, std::unique_ptr<TapSocket>* out);
  ~TapSocket();
  TapSocket(const TapSocket&) = delete;
  TapSocket& operator=(const TapSocket&) = delete;

  int fd() const { return fd_; }
  // False once the interface is gone, also when another one has its name.
  bool is_attached() const;
  // From the next frame on; false when the kernel refuses it.
  [[nodiscard]] bool set_filter(std::span<const sock_filter> code);
  // Never waits; false when nothing is there.
  bool take(Head* out);
  // Frames that the kernel dropped since the socket was full, over its life.
  uint64_t drops();

 private:
  static constexpr size_t kTagBytes = 4;
  TapSocket(int fd, std::string interface, int index);

  int fd_;
  std::string interface_;
  int index_;
  uint64_t drops_ = 0;
  uint8_t buffer_[kTagBytes + kHeadBytes];
};

class SendSocket {
 public:
  static Status open(const std::string& interface, std::unique_ptr<SendSocket>* out);
  ~SendSocket();
  SendSocket(const SendSocket&) = delete;
  SendSocket& operator=(const SendSocket&) = delete;

  const MacAddress& mac() const { return mac_; }
  bool is_attached() const;
  // Never waits; false when the frame did not leave.
  bool send(Bytes frame);

 private:
  SendSocket(int fd, std::string interface, int index) noexcept;

  int fd_;
  std::string interface_;
  int index_;
  MacAddress mac_{};
};

}  // namespace thymus::inject
