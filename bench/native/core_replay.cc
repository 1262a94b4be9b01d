// The native core alone: reads a capture through sources, lanes and queues, and throws the records
// away. One JSON line: packets, records, CPU seconds of the process.
//
//   core_replay FILE [--lanes N] [--shards N] [--publish] [--memory MIB]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "engine/engine.h"
#include "engine/memory.h"

using namespace thymus;

namespace {

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

int usage() {
  std::fprintf(stderr,
               "usage: core_replay FILE [--lanes N] [--shards N] [--publish] [--memory MIB]\n");
  return 2;
}

void drain_all(engine::Engine* engine, size_t queue) {
  std::vector<uint8_t> buffer(1 << 20);
  while (engine->drain(queue, buffer, 100) >= 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  engine::Options options;
  size_t memory_mib = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--lanes" && i + 1 < argc) {
      options.lanes = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    } else if (word == "--shards" && i + 1 < argc) {
      options.shards = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    } else if (word == "--memory" && i + 1 < argc) {
      memory_mib = std::strtoul(argv[++i], nullptr, 10);
    } else if (word == "--publish") {
      options.publish = true;
    } else if (word[0] == '-') {
      return usage();
    } else {
      options.sources.push_back(word);
    }
  }
  if (options.sources.empty() || options.lanes == 0 || options.shards == 0) return usage();
  for (const char* home : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                           "169.254.0.0/16", "fe80::/10", "fc00::/7"}) {
    Prefix prefix;
    if (parse_prefix(home, &prefix)) options.home_net.push_back(prefix);
  }
  const size_t memory = memory_mib << 20;
  if (memory > 0) {
    if (memory < engine::least_memory_bytes(options)) return usage();
    engine::limit_memory(memory, &options);
  }
  engine::Engine engine(options);
  std::vector<std::thread> consumers;
  for (size_t q = 0; q < engine.queues(); ++q) consumers.emplace_back(drain_all, &engine, q);
  for (std::thread& t : consumers) t.join();
  const engine::EngineStats s = engine.stats();
  for (const engine::SourceReport& source : s.sources) {
    if (!source.error.empty()) std::fprintf(stderr, "%s\n", source.error.c_str());
  }
  const auto counter = [&s](Counter c) {
    return static_cast<unsigned long long>(s.counters[static_cast<size_t>(c)]);
  };
  std::printf("{\"packets\":%llu,\"flows\":%llu,\"records\":%llu,\"events\":%llu,\"cpu_s\":%.4f}\n",
              counter(Counter::packets), counter(Counter::flows), counter(Counter::records),
              counter(Counter::events), cpu_seconds());
  return 0;
}
