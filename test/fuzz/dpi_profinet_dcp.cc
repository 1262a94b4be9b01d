#include <memory>

#include "base/event_writer.h"
#include "dpi/fieldbus/profinet_dcp.h"
#include "parser_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thymus;
  dpi::ProfinetDcp message;
  const Bytes payload{data, size};
  if (!dpi::is_profinet_dcp(payload) || !dpi::read_profinet_dcp(payload, &message)) return 0;
  fuzz::CheckedSink sink;
  const auto events = std::make_unique<EventWriter>(&sink);
  events->begin(1);
  dpi::put_profinet_dcp(message, events.get());
  events->end();
  return 0;
}
