// Makes synthetic captures, so that speed can be measured without any other.
//
//   trace_maker KIND [--packets N] [--concurrent N] [--rate N] [--seed N] FILE.pcap
//   trace_maker mix [--replicas N] FILE.pcap CAPTURE...
//
//   KIND          smallpkt, bigflow, spoofed or mix: see trace.h
//   --packets     how many; each kind has its own number
//   --concurrent  conversations under way at any time (50000), of smallpkt
//   --rate        packets per second of packet time (2000000)
//   --seed        of the random numbers (1): the same options give the same bytes
//   --replicas    of each capture of a mix (40)
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "capture/pcap_writer.h"
#include "trace.h"

namespace thymus::bench {

void stop(const std::string& sentence, int exit_code) {
  std::fprintf(stderr, "trace_maker: %s\n", sentence.c_str());
  std::exit(exit_code);
}

namespace {

constexpr uint16_t kEthernet = 1;  // LINKTYPE_

struct Order {
  std::string kind;
  std::string path;
  TraceOptions options;
};

void must(const Status& status) {
  if (!status.ok()) stop(status.message(), 1);
}

std::unique_ptr<Trace> trace_of(const Order& order) {
  if (order.kind == "smallpkt") return small_packets(order.options);
  if (order.kind == "bigflow") return bulk(order.options);
  if (order.kind == "spoofed") return spoofed_sources(order.options);
  if (order.kind == "mix") return mix(order.options);
  stop("the kind of trace is one of smallpkt, bigflow, spoofed and mix", 2);
}

void write_trace(const Order& order) {
  const std::unique_ptr<Trace> trace = trace_of(order);
  std::unique_ptr<capture::PcapWriter> writer;
  must(capture::PcapWriter::create(order.path, kEthernet, &writer));
  for (TraceFrame frame; trace->next(&frame);) {
    const auto length = static_cast<uint32_t>(frame.bytes.size());
    must(writer->write({.data = frame.bytes.data(),
                        .ts_ns = frame.ts_ns,
                        .caplen = length,
                        .origlen = length,
                        .link_type = kEthernet,
                        .interface = 0,
                        .source = 0}));
  }
  must(writer->close());
}

uint64_t parse_number(std::string_view text) {
  constexpr uint64_t kMost = 4'000'000'000;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMost) {
    stop("a number is missing or wrong: options take whole numbers from 1 to 4000000000", 2);
  }
  return value;
}

uint64_t* field_of(std::string_view flag, TraceOptions* options) {
  if (flag == "--packets") return &options->packets;
  if (flag == "--concurrent") return &options->concurrent;
  if (flag == "--rate") return &options->rate;
  if (flag == "--seed") return &options->seed;
  if (flag == "--replicas") return &options->replicas;
  stop("the options are --packets --concurrent --rate --seed --replicas", 2);
}

Order parse_order(int argc, char** argv) {
  Order order;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--")) {
      uint64_t* field = field_of(argument, &order.options);
      *field = parse_number(++i < argc ? argv[i] : "");
    } else if (order.kind.empty()) {
      order.kind = argument;
    } else if (order.path.empty()) {
      order.path = argument;
    } else {
      order.options.captures.emplace_back(argument);
    }
  }
  if (order.path.empty())
    stop("give a kind and the file to write: trace_maker smallpkt FILE.pcap", 2);
  if ((order.kind == "mix") == order.options.captures.empty()) {
    stop("a mix, and only a mix, needs captures: trace_maker mix FILE.pcap CAPTURE...", 2);
  }
  return order;
}

}  // namespace
}  // namespace thymus::bench

int main(int argc, char** argv) {
  thymus::bench::write_trace(thymus::bench::parse_order(argc, argv));
  return 0;
}
