// Sends the frames of a capture over an interface: as fast as the kernel takes them, at a given
// rate, or at the pace of their times. One JSON line: frames sent, frames refused, seconds.
//
//   packet_sender IFACE FILE [--rate PPS | --pace] [--repeat N] [--most FRAMES]
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/source.h"

using namespace thymus;

namespace {

constexpr size_t kBatch = 64;

int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

int usage() {
  std::fprintf(stderr,
               "usage: packet_sender IFACE FILE [--rate PPS | --pace] [--repeat N] [--most N]\n");
  return 2;
}

void sleep_until(int64_t due_ns) {
  const int64_t wait = due_ns - now_ns();
  if (wait <= 0) return;
  const timespec t{static_cast<time_t>(wait / 1'000'000'000),
                   static_cast<long>(wait % 1'000'000'000)};
  nanosleep(&t, nullptr);
}

class Sender {
 public:
  explicit Sender(int fd) : fd_(fd) {}

  void add(const capture::Frame& frame) {
    vectors_.push_back({const_cast<uint8_t*>(frame.data), frame.caplen});
  }
  size_t waiting() const { return vectors_.size(); }
  void send() {
    std::vector<mmsghdr> messages(vectors_.size());
    for (size_t i = 0; i < vectors_.size(); ++i) {
      messages[i].msg_hdr.msg_iov = &vectors_[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (size_t done = 0; done < messages.size();) {
      const int n =
          sendmmsg(fd_, messages.data() + done, static_cast<unsigned>(messages.size() - done), 0);
      if (n > 0) {
        sent += static_cast<uint64_t>(n);
        done += static_cast<size_t>(n);
      } else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
        usleep(50);
      } else {
        ++refused;  // too long for the interface, or it is down
        ++done;
      }
    }
    vectors_.clear();
  }

  uint64_t sent = 0;
  uint64_t refused = 0;

 private:
  int fd_;
  std::vector<iovec> vectors_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  double rate = 0;
  bool pace = false;
  uint64_t repeat = 1, most = UINT64_MAX;
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--pace") {
      pace = true;
    } else if (i + 1 >= argc) {
      return usage();
    } else if (word == "--rate") {
      rate = std::strtod(argv[++i], nullptr);
    } else if (word == "--repeat") {
      repeat = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--most") {
      most = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return usage();
    }
  }
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(if_nametoindex(argv[1]));
  if (fd < 0 || to.sll_ifindex == 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    std::fprintf(stderr, "packet_sender: %s: %s\n", argv[1], std::strerror(errno));
    return 1;
  }
  const int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  Sender sender(fd);
  const int64_t start_ns = now_ns();
  uint64_t queued = 0;
  for (uint64_t round = 0; round < repeat && queued < most; ++round) {
    std::unique_ptr<capture::Source> source;
    if (const Status status = capture::open_capture(argv[2], &source); !status.ok()) {
      std::fprintf(stderr, "packet_sender: %s\n", status.message().c_str());
      return 1;
    }
    capture::Block block;
    int64_t first_ts_ns = -1;
    const int64_t round_ns = now_ns();
    while (queued < most && source->next(&block) == capture::ReadState::kFrames) {
      for (const capture::Frame& frame : block) {
        if (queued == most) break;
        if (first_ts_ns < 0) first_ts_ns = frame.ts_ns;
        const int64_t due_ns =
            pace ? round_ns + frame.ts_ns - first_ts_ns
                 : start_ns + (rate > 0
                                   ? static_cast<int64_t>(1e9 * static_cast<double>(queued) / rate)
                                   : 0);
        if (due_ns > now_ns()) {
          sender.send();
          sleep_until(due_ns);
        }
        sender.add(frame);
        ++queued;
        if (sender.waiting() == kBatch) sender.send();
      }
      sender.send();  // the block's bytes go with it
    }
  }
  const double seconds = static_cast<double>(now_ns() - start_ns) * 1e-9;
  std::printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.3f}\n",
              static_cast<unsigned long long>(sender.sent),
              static_cast<unsigned long long>(sender.refused), seconds);
  close(fd);
}
