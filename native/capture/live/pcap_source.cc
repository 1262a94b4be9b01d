#include "capture/live/pcap_source.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <pcap/pcap.h>
#include <poll.h>

#include "base/clock.h"
#include "capture/format.h"

namespace thymus::capture {
namespace {

constexpr int kTimeoutMs = 4;
// A frame may wait for two of libpcap's blocks to be handed over.
constexpr int64_t kShownAfterNs = 20'000'000;
constexpr int64_t kReopenEveryNs = 200'000'000;
constexpr size_t kBufferBytes = 4 * kMaxFrameBytes;
constexpr uint16_t kLinkTypeRaw = 101;

struct Closer {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
using Handle = std::unique_ptr<pcap_t, Closer>;

Status refused(const std::string& name, int code, pcap_t* pcap) {
  if (code == PCAP_ERROR_PERM_DENIED || code == PCAP_ERROR_PROMISC_PERM_DENIED) {
    return {StatusCode::kNotPermitted, "Interface '" + name +
                                           "' may not be watched: run thymus as root, or give it "
                                           "CAP_NET_RAW and CAP_NET_ADMIN."};
  }
  const char* said = pcap_geterr(pcap);
  const std::string why = said[0] != '\0' ? said : pcap_statustostr(code);
  return {StatusCode::kIo, "Interface '" + name + "' cannot be watched through libpcap: " + why +
                               ": 'thymus watch --help' names other ways."};
}

Status open_handle(const std::string& name, const RingOptions& options, Handle* out) {
  char error[PCAP_ERRBUF_SIZE] = "";
  Handle pcap(pcap_create(name.c_str(), error));
  if (pcap == nullptr) {
    return {StatusCode::kIo, "Interface '" + name + "' cannot be watched: " + error + "."};
  }
  pcap_set_snaplen(pcap.get(), kMaxFrameBytes);
  pcap_set_promisc(pcap.get(), options.promiscuous);
  pcap_set_timeout(pcap.get(), kTimeoutMs);
  pcap_set_buffer_size(pcap.get(), static_cast<int>(std::min<size_t>(options.bytes, 1u << 30)));
  pcap_set_tstamp_precision(pcap.get(), PCAP_TSTAMP_PRECISION_NANO);
  if (options.hardware_timestamps) pcap_set_tstamp_type(pcap.get(), PCAP_TSTAMP_ADAPTER);
  if (const int code = pcap_activate(pcap.get()); code < 0) return refused(name, code, pcap.get());
  if (!options.filter.empty()) {
    bpf_program program{};
    if (pcap_compile(pcap.get(), &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      return {StatusCode::kInvalidArgument, "The filter '" + options.filter + "' cannot be used: " +
                                                pcap_geterr(pcap.get()) + "."};
    }
    const int set = pcap_setfilter(pcap.get(), &program);
    pcap_freecode(&program);
    if (set != 0) return refused(name, PCAP_ERROR, pcap.get());
  }
  if (pcap_setnonblock(pcap.get(), 1, error) != 0) return refused(name, PCAP_ERROR, pcap.get());
  *out = std::move(pcap);
  return {};
}

struct Device {
  std::string name;
  Handle pcap;  // null while the interface is not there
  bool is_nano = false;
  uint16_t link_type = 0;
  pcap_stat before{};  // of the handles that it had before
};

void attach(Device* device, Handle pcap) {
  device->is_nano = pcap_get_tstamp_precision(pcap.get()) == PCAP_TSTAMP_PRECISION_NANO;
  const int link_type = pcap_datalink(pcap.get());
  device->link_type = link_type == DLT_RAW ? kLinkTypeRaw : static_cast<uint16_t>(link_type);
  device->pcap = std::move(pcap);
}

class PcapSource final : public Source {
 public:
  PcapSource(std::vector<Device> devices, RingOptions options)
      : devices_(std::move(devices)), options_(std::move(options)), bytes_(kBufferBytes) {}

  ReadState next(Block* block) override {
    frames_.clear();
    used_ = 0;
    reopen();
    const int64_t looked_ns = clock_ns(CLOCK_REALTIME);
    take();
    if (frames_.block().empty()) {
      wait();
      take();
    }
    *block = frames_.block();
    if (!block->empty()) return ReadState::kFrames;
    now_ns_ = looked_ns - kShownAfterNs;
    return ReadState::kWait;
  }
  bool stable() const override { return false; }
  const std::string& error() const override { return error_; }
  int64_t now_ns() const override { return now_ns_; }

  SourceProgress progress() const override {
    SourceProgress sum = progress_;
    for (const Device& device : devices_) {
      const pcap_stat now = stats_of(device);
      sum.kernel_frames += now.ps_recv;
      sum.kernel_drops += now.ps_drop;
      sum.nic_drops += now.ps_ifdrop;
    }
    return sum;
  }

 private:
  static pcap_stat stats_of(const Device& device) {
    pcap_stat sum = device.before;
    pcap_stat now{};
    if (device.pcap != nullptr && pcap_stats(device.pcap.get(), &now) == 0) {
      sum.ps_recv += now.ps_recv;
      sum.ps_drop += now.ps_drop;
      sum.ps_ifdrop += now.ps_ifdrop;
    }
    return sum;
  }

  bool has_room() const { return !frames_.full() && bytes_.size() - used_ >= kMaxFrameBytes; }

  // Turn and turn about, so that a busy interface leaves room for the others.
  void take() {
    for (size_t i = 0; i < devices_.size() && has_room(); ++i) {
      take(static_cast<uint16_t>((turn_ + i) % devices_.size()));
    }
    turn_ = (turn_ + 1) % devices_.size();
  }

  void take(uint16_t position) {
    Device& device = devices_[position];
    while (device.pcap != nullptr && has_room()) {
      pcap_pkthdr* header = nullptr;
      const u_char* data = nullptr;
      const int code = pcap_next_ex(device.pcap.get(), &header, &data);
      if (code == 0) return;
      if (code < 0) {
        lose(&device);
        return;
      }
      const uint32_t caplen = std::min(header->caplen, kMaxFrameBytes);
      uint8_t* copy = bytes_.data() + used_;
      std::memcpy(copy, data, caplen);
      used_ += caplen;
      const int64_t fraction = device.is_nano ? header->ts.tv_usec : header->ts.tv_usec * 1000;
      frames_.push({copy, header->ts.tv_sec * int64_t{1'000'000'000} + fraction, caplen,
                    std::max(caplen, header->len), device.link_type, position, 0});
    }
  }

  void wait() {
    polled_.clear();
    for (const Device& device : devices_) {
      const int fd = device.pcap == nullptr ? -1 : pcap_get_selectable_fd(device.pcap.get());
      polled_.push_back({fd, POLLIN, 0});
    }
    poll(polled_.data(), polled_.size(), kTimeoutMs);
  }

  // The interface went down or away.
  void lose(Device* device) {
    device->before = stats_of(*device);
    device->pcap.reset();
    ++progress_.interface_downs;
    reopen_due_ns_ = clock_ns(CLOCK_MONOTONIC) + kReopenEveryNs;
  }

  void reopen() {
    if (reopen_due_ns_ == 0 || clock_ns(CLOCK_MONOTONIC) < reopen_due_ns_) return;
    reopen_due_ns_ = 0;
    for (Device& device : devices_) {
      if (device.pcap != nullptr) continue;
      Handle pcap;
      if (open_handle(device.name, options_, &pcap).ok()) {
        attach(&device, std::move(pcap));
        ++progress_.interface_reopens;
      } else {
        reopen_due_ns_ = clock_ns(CLOCK_MONOTONIC) + kReopenEveryNs;
      }
    }
  }

  std::vector<Device> devices_;
  RingOptions options_;
  std::vector<uint8_t> bytes_;  // of the frames of one block
  size_t used_ = 0;
  size_t turn_ = 0;
  FrameList frames_;
  std::vector<pollfd> polled_;
  int64_t reopen_due_ns_ = 0;
  int64_t now_ns_ = 0;
  SourceProgress progress_;
  std::string error_;  // a live source has none
};

}  // namespace

Status open_pcap_live(const LiveOptions& options, std::unique_ptr<Source>* out) {
  std::vector<Device> devices;
  for (const std::string& name : options.interfaces) {
    Handle pcap;
    if (Status status = open_handle(name, options.ring, &pcap); !status.ok()) return status;
    devices.emplace_back();
    devices.back().name = name;
    attach(&devices.back(), std::move(pcap));
  }
  *out = std::make_unique<PcapSource>(std::move(devices), options.ring);
  return {};
}

}  // namespace thymus::capture
