// The floor that every other speed is compared with: what counting the flows of a capture costs
// when nothing else is done.
//
//   bare_walk FILE.pcap
//
// Reads the file in 1 MiB chunks, walks its records, parses Ethernet, VLAN, IP, TCP and UDP headers
// and updates one 64-byte slot per packet in a table of 2^22, looked up in batches that are
// prefetched. One line of JSON: packets, captured bytes, flows, CPU seconds (user and system) of
// the whole process. Little-endian pcap of Ethernet frames only, since it stands for no product.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"

namespace {

using thymus::Bytes;
using thymus::Reader;

constexpr size_t kChunkBytes = 1 << 20;
constexpr size_t kSlots = 1 << 22;
constexpr size_t kMostFlows = kSlots / 8 * 7;  // beyond that, probing would be what is measured
constexpr size_t kBatch = 32;
constexpr size_t kFileHeaderBytes = 24;
constexpr size_t kRecordHeaderBytes = 16;

[[noreturn]] void stop(const char* sentence) {
  std::fprintf(stderr, "bare_walk: %s\n", sentence);
  std::exit(2);
}

struct Key {
  std::array<uint64_t, 4> addresses;  // lower end first
  uint32_t ports;
  uint8_t protocol;
};

struct Packet {
  Key key;
  uint64_t hash;
  uint32_t origlen;
  uint32_t seconds;
  uint8_t direction;  // 1 when the higher end sent it
  uint8_t tcp_flags;
};

struct alignas(64) Slot {
  std::array<uint64_t, 4> addresses;
  uint32_t ports;
  uint8_t protocol;
  uint8_t tcp_flags;
  bool is_used;
  uint32_t packets[2];
  uint32_t bytes[2];
  uint32_t first_seconds;
  uint32_t last_seconds;
};
static_assert(sizeof(Slot) == 64);

class Table {
 public:
  Table() {
    constexpr size_t kBytes = kSlots * sizeof(Slot);
    void* memory =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) stop("there is no memory for the table of 256 MiB; free some");
    ::madvise(memory, kBytes, MADV_HUGEPAGE);
    slots_ = static_cast<Slot*>(memory);
  }
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[home(hash)], 1); }

  void update(const Packet& p) {
    size_t i = home(p.hash);
    while (slots_[i].is_used && !matches(slots_[i], p.key)) i = (i + 1) % kSlots;
    Slot& slot = slots_[i];
    if (!slot.is_used) start(&slot, p);
    ++slot.packets[p.direction];
    slot.bytes[p.direction] += p.origlen;
    slot.tcp_flags |= p.tcp_flags;
    slot.last_seconds = p.seconds;
  }
  size_t n_flows() const { return n_flows_; }

 private:
  static size_t home(uint64_t hash) { return hash >> 32 & (kSlots - 1); }
  static bool matches(const Slot& slot, const Key& key) {
    uint64_t difference = (slot.ports ^ key.ports) | (slot.protocol ^ key.protocol);
    for (size_t i = 0; i < 4; ++i) difference |= slot.addresses[i] ^ key.addresses[i];
    return difference == 0;
  }
  void start(Slot* slot, const Packet& p) {
    if (++n_flows_ > kMostFlows) stop("the capture has more flows than the table; give another");
    slot->addresses = p.key.addresses;
    slot->ports = p.key.ports;
    slot->protocol = p.key.protocol;
    slot->is_used = true;
    slot->first_seconds = p.seconds;
  }

  Slot* slots_;
  size_t n_flows_ = 0;
};

struct Ends {
  std::array<uint64_t, 2> source{};
  std::array<uint64_t, 2> destination{};
  uint8_t protocol = 0;
  bool has_ports = true;
};

uint16_t skip_vlans(Reader* reader, uint16_t ether_type) {
  constexpr uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8;
  while (ether_type == kVlan || ether_type == kServiceVlan) {
    reader->skip(2);
    ether_type = reader->be16();
  }
  return ether_type;
}

bool parse_ipv4(Reader* reader, Ends* ends) {
  Bytes header = reader->take(20);
  if (!reader->ok() || header[0] >> 4 != 4) return false;
  const size_t header_bytes = (header[0] & 15) * size_t{4};
  if (header_bytes < header.size()) return false;
  ends->protocol = header[9];
  ends->source[0] = thymus::load_le32(header.data() + 12);
  ends->destination[0] = thymus::load_le32(header.data() + 16);
  const uint16_t fragment_offset = thymus::load_be16(header.data() + 6) & 0x1fff;
  ends->has_ports = reader->skip(header_bytes - header.size()) && fragment_offset == 0;
  return true;
}

bool parse_ipv6(Reader* reader, Ends* ends) {
  Bytes header = reader->take(40);
  if (!reader->ok()) return false;
  ends->protocol = header[6];
  ends->source = thymus::load_native<std::array<uint64_t, 2>>(header.data() + 8);
  ends->destination = thymus::load_native<std::array<uint64_t, 2>>(header.data() + 24);
  return true;
}

bool parse_ip(Reader* reader, Ends* ends) {
  constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
  constexpr size_t kMacBytes = 12;
  reader->skip(kMacBytes);
  const uint16_t ether_type = skip_vlans(reader, reader->be16());
  if (ether_type == kIpv4) return parse_ipv4(reader, ends);
  return ether_type == kIpv6 && parse_ipv6(reader, ends);
}

uint64_t hash_of(const Key& key) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = key.ports | uint64_t{key.protocol} << 32;
  for (uint64_t part : key.addresses) {
    hash = (hash ^ part) * kOdd;
    hash ^= hash >> 29;
  }
  return hash * kOdd;
}

// Puts both directions of a flow on one key.
void make_key(const Ends& ends, uint16_t source_port, uint16_t destination_port, Packet* packet) {
  const bool is_swapped = ends.source != ends.destination ? ends.source > ends.destination
                                                          : source_port > destination_port;
  const auto& low = is_swapped ? ends.destination : ends.source;
  const auto& high = is_swapped ? ends.source : ends.destination;
  packet->direction = is_swapped;
  packet->key.addresses = {low[0], low[1], high[0], high[1]};
  packet->key.ports = is_swapped ? uint32_t{source_port} << 16 | destination_port
                                 : uint32_t{destination_port} << 16 | source_port;
  packet->key.protocol = ends.protocol;
  packet->hash = hash_of(packet->key);
}

bool parse_frame(Bytes frame, Packet* packet) {
  constexpr uint8_t kTcp = 6, kUdp = 17;
  Reader reader(frame);
  Ends ends;
  if (!parse_ip(&reader, &ends)) return false;
  uint16_t source_port = 0, destination_port = 0;
  packet->tcp_flags = 0;
  const size_t header_bytes = ends.protocol == kTcp ? 20 : 8;
  if ((ends.protocol == kTcp || ends.protocol == kUdp) && ends.has_ports &&
      reader.remaining() >= header_bytes) {
    source_port = reader.be16();
    destination_port = reader.be16();
    if (ends.protocol == kTcp) packet->tcp_flags = reader.peek_u8(9);
  }
  make_key(ends, source_port, destination_port, packet);
  return true;
}

class Walk {
 public:
  // Returns how many bytes whole records took.
  size_t records(Bytes bytes) {
    Reader reader(bytes);
    for (;;) {
      const size_t start = reader.offset();
      Bytes header = reader.take(kRecordHeaderBytes);
      if (!reader.ok()) return start;
      Bytes frame = reader.take(thymus::load_le32(header.data() + 8));
      if (!reader.ok()) return start;
      record(header, frame);
    }
  }
  void flush() {
    for (size_t i = 0; i < n_batch_; ++i) table_.update(batch_[i]);
    n_batch_ = 0;
  }
  void print(double cpu_s) const {
    std::printf("{\"packets\":%zu,\"bytes\":%zu,\"flows\":%zu,\"cpu_s\":%.6f}\n", n_packets_,
                n_bytes_, table_.n_flows(), cpu_s);
  }

 private:
  void record(Bytes header, Bytes frame) {
    ++n_packets_;
    n_bytes_ += frame.size();
    Packet& packet = batch_[n_batch_];
    if (!parse_frame(frame, &packet)) return;
    packet.seconds = thymus::load_le32(header.data());
    packet.origlen = thymus::load_le32(header.data() + 12);
    table_.prefetch(packet.hash);
    if (++n_batch_ == kBatch) flush();
  }

  Table table_;
  std::array<Packet, kBatch> batch_;
  size_t n_batch_ = 0;
  size_t n_packets_ = 0;
  size_t n_bytes_ = 0;
};

void check_file_header(int fd) {
  constexpr uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d;
  constexpr uint16_t kEthernet = 1;
  std::array<uint8_t, kFileHeaderBytes> header{};
  const ssize_t n = ::read(fd, header.data(), header.size());
  const uint32_t magic = thymus::load_le32(header.data());
  if (n != ssize_t{kFileHeaderBytes} || (magic != kMicroseconds && magic != kNanoseconds) ||
      thymus::load_le16(header.data() + 20) != kEthernet) {
    stop("give a plain little-endian pcap of Ethernet frames");
  }
}

void walk_file(int fd, Walk* walk) {
  std::vector<uint8_t> chunk(2 * kChunkBytes);
  size_t n_held = 0;  // of a record that the last chunk cut
  for (;;) {
    if (n_held > kChunkBytes) stop("a record is larger than a chunk; the capture is damaged");
    const ssize_t n = ::read(fd, chunk.data() + n_held, kChunkBytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) stop("reading failed; check the disk");
    if (n == 0) break;
    n_held += static_cast<size_t>(n);
    const size_t used = walk->records({chunk.data(), n_held});
    n_held -= used;
    std::memmove(chunk.data(), chunk.data() + used, n_held);
  }
  walk->flush();
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) stop("give one capture: bare_walk FILE.pcap");
  const int fd = ::open(argv[1], O_RDONLY | O_CLOEXEC);
  if (fd < 0) stop("the capture cannot be opened; check the path");
  check_file_header(fd);
  Walk walk;
  walk_file(fd, &walk);
  ::close(fd);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  walk.print(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  return 0;
}
