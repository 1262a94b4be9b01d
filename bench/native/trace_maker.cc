// Makes a synthetic capture of small packets, so that speed can be measured without any capture.
//
//   trace_maker [--packets N] [--concurrent N] [--rate N] [--seed N] FILE.pcap
//
//   --packets     how many (10000000)
//   --concurrent  conversations under way at any time (50000)
//   --rate        packets per second of packet time (2000000)
//   --seed        of the random numbers (1): the same options give the same bytes
//
// Of the conversations 30 % are unanswered SYNs, 30 % a DNS question with its answer, 40 % a short
// TCP connection of 22 packets. Each packet belongs to a random one of those under way. Checksums
// are right.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "capture/pcap_writer.h"
#include "frame_builder.h"

namespace {

using thymus::Bytes;
using thymus::Status;
using thymus::bench::BigEndianBytes;
using thymus::bench::Endpoint;
using thymus::bench::FrameBuilder;
using thymus::bench::TcpFields;
using thymus::capture::Frame;
using thymus::capture::PcapWriter;

constexpr uint16_t kEthernet = 1;  // LINKTYPE_
constexpr uint8_t kFin = 1, kSyn = 2, kPush = 8, kAck = 16;

[[noreturn]] void stop(const std::string& sentence, int exit_code) {
  std::fprintf(stderr, "trace_maker: %s\n", sentence.c_str());
  std::exit(exit_code);
}

struct Options {
  uint64_t packets = 10'000'000;
  uint64_t concurrent = 50'000;
  uint64_t rate = 2'000'000;
  uint64_t seed = 1;
  std::string path;
};

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint32_t below(uint64_t n) { return static_cast<uint32_t>(next() % n); }

 private:
  uint64_t state_;
};

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A question for the address of "h<number>.example", or its answer.
Bytes dns_message(BigEndianBytes* out, uint16_t id, uint32_t number, bool is_answer) {
  constexpr uint16_t kTypeA = 1, kClassIn = 1, kNameOfQuestion = 0xc00c;
  const std::string host = "h" + std::to_string(number);
  out->clear();
  out->u16(id);
  out->u16(is_answer ? 0x8180 : 0x0100);
  out->u16(1);  // questions
  out->u16(is_answer);
  out->u32(0);  // authorities, additional records
  out->u8(static_cast<uint8_t>(host.size()));
  out->text(host);
  out->u8(7);
  out->text("example");
  out->u8(0);
  out->u16(kTypeA);
  out->u16(kClassIn);
  if (is_answer) {
    out->u16(kNameOfQuestion);
    out->u16(kTypeA);
    out->u16(kClassIn);
    out->u32(300);  // time to live, seconds
    out->u16(4);
    out->u32(0xc6120000 | (number & 0xffff));
  }
  return out->from(0);
}

struct TcpStep {
  bool is_from_server;
  uint8_t flags;
  std::string_view payload;
};
constexpr TcpStep kHandshake[] = {
    {false, kSyn, {}},
    {true, kSyn | kAck, {}},
    {false, kAck, {}},
};
constexpr TcpStep kExchange[] = {
    {false, kPush | kAck, "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"},
    {true, kAck, {}},
    {true, kPush | kAck, "HTTP/1.1 204 No Content\r\nServer: bench\r\n\r\n"},
    {false, kAck, {}},
};
constexpr TcpStep kFarewell[] = {
    {false, kFin | kAck, {}},
    {true, kFin | kAck, {}},
    {false, kAck, {}},
};
constexpr size_t kExchangeSteps = 4 * std::size(kExchange);
constexpr size_t kTcpSteps = std::size(kHandshake) + kExchangeSteps + std::size(kFarewell);

const TcpStep& tcp_step(size_t i) {
  if (i < std::size(kHandshake)) return kHandshake[i];
  i -= std::size(kHandshake);
  if (i < kExchangeSteps) return kExchange[i % std::size(kExchange)];
  return kFarewell[i - kExchangeSteps];
}

enum class Kind { kScan, kDns, kTcp };

struct Conversation {
  Kind kind;
  size_t step;
  Endpoint client;
  Endpoint server;
  uint32_t seq[2];  // next of client and server
  uint32_t number;
};

class TraceMaker {
 public:
  explicit TraceMaker(const Options& options)
      : random_(options.seed), conversations_(options.concurrent) {
    for (Conversation& c : conversations_) c = start();
  }

  // The next packet of some conversation; valid until the next call.
  Bytes next_frame() {
    Conversation& c = conversations_[random_.below(conversations_.size())];
    Bytes frame = frame_of(&c);
    if (++c.step == n_steps(c.kind)) c = start();
    return frame;
  }

 private:
  static size_t n_steps(Kind kind) {
    if (kind == Kind::kTcp) return kTcpSteps;
    return kind == Kind::kDns ? 2 : 1;
  }

  Conversation start() {
    constexpr uint32_t kClients = 0x0a000000, kServers = 0xc6120000;  // 10/8, 198.18/15
    const uint32_t share = random_.below(100);
    Conversation c{};
    c.kind = share < 30 ? Kind::kScan : share < 60 ? Kind::kDns : Kind::kTcp;
    c.client = {kClients | random_.below(1 << 20), port(random_.below(64512) + 1024)};
    c.server = {kServers | random_.below(1 << 12), server_port(c.kind)};
    c.seq[0] = random_.below(uint64_t{1} << 32);
    c.seq[1] = random_.below(uint64_t{1} << 32);
    c.number = random_.below(100'000);
    return c;
  }
  uint16_t server_port(Kind kind) {
    if (kind == Kind::kScan) return port(random_.below(1024) + 1);
    return kind == Kind::kDns ? 53 : 80;
  }
  static uint16_t port(uint32_t n) { return static_cast<uint16_t>(n); }

  Bytes frame_of(Conversation* c) {
    if (c->kind == Kind::kDns) return dns_frame(*c);
    return tcp_frame(c);  // a scan is a connection that ends with its SYN
  }
  Bytes dns_frame(const Conversation& c) {
    const bool is_answer = c.step == 1;
    const auto id = static_cast<uint16_t>(c.seq[0]);
    Bytes message = dns_message(&message_, id, c.number, is_answer);
    return is_answer ? builder_.udp(c.server, c.client, message)
                     : builder_.udp(c.client, c.server, message);
  }
  Bytes tcp_frame(Conversation* c) {
    const TcpStep& step = tcp_step(c->step);
    uint32_t& seq = c->seq[step.is_from_server];
    const uint32_t ack = step.flags & kAck ? c->seq[!step.is_from_server] : 0;
    const TcpFields fields{seq, ack, step.flags};
    seq += static_cast<uint32_t>(step.payload.size()) + ((step.flags & (kSyn | kFin)) != 0);
    const Endpoint& from = step.is_from_server ? c->server : c->client;
    const Endpoint& to = step.is_from_server ? c->client : c->server;
    return builder_.tcp(from, to, fields, bytes_of(step.payload));
  }

  Random random_;
  std::vector<Conversation> conversations_;
  FrameBuilder builder_;
  BigEndianBytes message_;
};

void must(const Status& status) {
  if (!status.ok()) stop(status.message(), 1);
}

void write_trace(const Options& options) {
  constexpr int64_t kStartNs = 1'700'000'000'000'000'000;
  std::unique_ptr<PcapWriter> writer;
  must(PcapWriter::create(options.path, kEthernet, &writer));
  TraceMaker maker(options);
  for (uint64_t i = 0; i < options.packets; ++i) {
    Bytes bytes = maker.next_frame();
    const auto length = static_cast<uint32_t>(bytes.size());
    const uint64_t seconds = i / options.rate;
    const uint64_t fraction_ns = i % options.rate * 1'000'000'000 / options.rate;
    must(writer->write(
        {.data = bytes.data(),
         .ts_ns = kStartNs + static_cast<int64_t>(seconds * 1'000'000'000 + fraction_ns),
         .caplen = length,
         .origlen = length,
         .link_type = kEthernet,
         .interface = 0,
         .source = 0}));
  }
  must(writer->close());
}

uint64_t parse_number(std::string_view flag, std::string_view text) {
  constexpr uint64_t kMost = 4'000'000'000;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMost) {
    stop(std::string(flag) + " needs a whole number from 1 to 4000000000", 2);
  }
  return value;
}

uint64_t* field_of(std::string_view flag, Options* options) {
  if (flag == "--packets") return &options->packets;
  if (flag == "--concurrent") return &options->concurrent;
  if (flag == "--rate") return &options->rate;
  if (flag == "--seed") return &options->seed;
  stop(std::string(flag) + " is no option; there are --packets --concurrent --rate --seed", 2);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument.starts_with("--")) {
      uint64_t* field = field_of(argument, &options);
      *field = parse_number(argument, ++i < argc ? argv[i] : "");
    } else if (options.path.empty()) {
      options.path = argument;
    } else {
      stop("give one file to write", 2);
    }
  }
  if (options.path.empty()) stop("name the file to write: trace_maker FILE.pcap", 2);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  write_trace(parse_options(argc, argv));
  return 0;
}
