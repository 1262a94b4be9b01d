// Synchrophasors (IEEE C37.118.2) over TCP and UDP. A frame:
//
//   0  0xaa   1  type in bits 4 to 6, version in bits 0 to 3   2  bytes of all   4  stream or
//   station   6  second   10  quality and fraction   14  data of the type, then a check (2)
#include "base/generated/events/synchrophasor.h"

#include <array>
#include <bit>

#include "dpi/industrial/framed_flow.h"

namespace thymus::dpi {
namespace {

namespace ids = event::synchrophasor;

constexpr uint16_t kPorts[] = {4712, 4713};
constexpr size_t kHeaderBytes = 14, kCheckBytes = 2;
constexpr size_t kMaxKept = 16 * 1024;
constexpr uint8_t kData = 0, kHeader = 1, kConfig1 = 2, kConfig2 = 3, kCommand = 4;
constexpr std::string_view kFrames[] = {"data",     "header",  "config_1",
                                        "config_2", "command", "config_3"};
constexpr size_t kNameBytes = 16;
constexpr uint16_t kMaxStations = 32;

constexpr Service kCommands[] = {
    {1, "data_off", Operation::kControl},       {2, "data_on", Operation::kControl},
    {3, "send_header", Operation::kIdentify},   {4, "send_config_1", Operation::kIdentify},
    {5, "send_config_2", Operation::kIdentify}, {6, "send_config_3", Operation::kIdentify},
    {8, "extended", Operation::kOther}};
static_assert(is_sorted_table(kCommands));

struct State : FramedFlow {
  bool has_data;
  uint16_t data_id;  // of the data frame that was shown last
  uint16_t data_status;
};

// kTables[k][byte]: what a byte and k zero bytes behind it make of a CRC of 0.
constexpr auto kTables = [] {
  std::array<std::array<uint16_t, 256>, 8> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (size_t k = 0; k < tables.size(); ++k) {
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
      crc &= 0xffff;
      tables[k][byte] = static_cast<uint16_t>(crc);
    }
  }
  return tables;
}();

uint16_t check_of(Bytes bytes) {
  unsigned crc = 0xffff;
  Reader r(bytes);
  // Eight bytes at a time: their look-ups do not wait for one another.
  while (r.remaining() >= kTables.size()) {
    const Bytes b = r.take(kTables.size());
    unsigned next = kTables[7][b[0] ^ crc >> 8] ^ kTables[6][b[1] ^ (crc & 0xff)];
    for (size_t k = 2; k < kTables.size(); ++k) next ^= kTables[kTables.size() - 1 - k][b[k]];
    crc = next;
  }
  while (!r.empty()) crc = (crc << 8 & 0xffff) ^ kTables[0][crc >> 8 ^ r.u8()];
  return static_cast<uint16_t>(crc);
}

bool has_right_check(Bytes frame) {
  const size_t n = frame.size() - kCheckBytes;
  return check_of(frame.first(n)) == load_be16(frame.data() + n);
}

size_t measure(Bytes bytes) {
  constexpr uint8_t kSync = 0xaa;
  const Reader r(bytes);
  if (r.peek_u8() != kSync) return FramedStream::kNoFrame;
  if (r.remaining() < 4) return 0;
  const uint8_t type = r.peek_u8(1);
  const size_t length = r.peek_be16(2);
  const uint8_t version = type & 0x0f;
  const bool is_frame = type >> 4 < std::size(kFrames) && version >= 1 && version <= 3 &&
                        length >= kHeaderBytes + kCheckBytes;
  return is_frame ? length : FramedStream::kNoFrame;
}

// A name of 16 characters, filled with blanks.
void put_station(Bytes name, EventWriter* events) {
  std::string_view shown = as_text(name);
  shown = shown.substr(0, shown.find_last_not_of(std::string_view(" \0", 2)) + 1);
  put_name(ids::kStations, shown, events);
}

struct Counts {
  uint32_t phasors = 0;
  uint32_t analogs = 0;
  uint32_t digitals = 0;
};

// One station of a configuration: name (16)  number (2)  format (2)  numbers of phasors, analogs
// and digitals (2 each)  their names (16 each, 16 for each bit of a digital)  units (4 each)
// nominal frequency (2)  changes of configuration (2)
void put_configured(Reader* r, Counts* counts, EventWriter* events) {
  const Bytes name = r->take(kNameBytes);
  r->skip(4);
  const size_t n_phasors = r->be16();
  const size_t n_analogs = r->be16();
  const size_t n_digitals = r->be16();
  r->skip((n_phasors + n_analogs + 16 * n_digitals) * kNameBytes);
  r->skip((n_phasors + n_analogs + n_digitals) * 4);
  r->skip(4);
  if (!r->ok()) return;
  put_station(name, events);
  counts->phasors += static_cast<uint32_t>(n_phasors);
  counts->analogs += static_cast<uint32_t>(n_analogs);
  counts->digitals += static_cast<uint32_t>(n_digitals);
}

// Time base (4)  number of stations (2)  stations  rate (2)
bool put_configuration(Reader r, bool is_whole, EventWriter* events) {
  r.skip(4);
  const uint16_t n_stations = r.be16();
  Counts counts;
  for (uint16_t i = 0; i < std::min(n_stations, kMaxStations) && r.ok(); ++i) {
    put_configured(&r, &counts, events);
  }
  events->put(ids::kPhasors, counts.phasors);
  events->put(ids::kAnalogs, counts.analogs);
  events->put(ids::kDigitals, counts.digitals);
  if (!r.ok()) return !is_whole;
  if (n_stations <= kMaxStations && r.remaining() >= 2) {
    events->put_signed(ids::kRate, std::bit_cast<int16_t>(r.be16()));
  }
  return true;
}

// Whether a data frame says something new: a stream or a status.
bool is_news(uint16_t id, Reader r, State* state) {
  const uint16_t status = r.be16();
  if (state->has_data && state->data_id == id && state->data_status == status) return false;
  state->has_data = true;
  state->data_id = id;
  state->data_status = status;
  return true;
}

Service command_of(Reader r) { return service_of(kCommands, r.be16()); }

Operation operation_of(uint8_t type, Reader body) {
  if (type == kData) return Operation::kRead;
  return type == kCommand ? command_of(body).operation : Operation::kIdentify;
}

// False when the contents break the format.
bool put_body(uint8_t type, Reader body, bool is_whole, EventWriter* events) {
  switch (type) {
    case kData:
      events->put(ids::kStatus, body.be16());
      return body.ok();
    case kHeader:
      events->put_bytes(ids::kHeader, body.rest());
      return true;
    case kConfig1:
    case kConfig2:
      return put_configuration(body, is_whole, events);
    case kCommand:
      put_name(ids::kCommand, command_of(body).name, events);
      return body.skip(2);
    default:
      return true;
  }
}

void on_frame(Bytes frame, size_t wire_bytes, State* state, Context* context) {
  const bool is_whole = frame.size() == wire_bytes;
  if (is_whole && !has_right_check(frame)) {
    return state->quota.complain(anomaly_code::kSynchrophasorBadCheck, context);
  }
  Reader r(is_whole ? frame.first(frame.size() - kCheckBytes) : frame);
  r.skip(1);
  const uint8_t kind = r.u8();
  r.skip(2);
  const uint16_t id = r.be16();
  const uint32_t second = r.be32();
  r.skip(4);
  const uint8_t type = kind >> 4;
  if (type == kData && !is_news(id, r, state)) return;
  const Operation operation = operation_of(type, r);
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kSynchrophasor);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kFrame, kFrames[type]);
  events->put(ids::kVersion, kind & 0x0fu);
  events->put(ids::kId, id);
  events->put_signed(ids::kTime, int64_t{second} * 1'000'000'000);
  const bool fits = put_body(type, r, is_whole, events);
  events->end();
  if (!fits) state->quota.complain(anomaly_code::kSynchrophasorMalformed, context);
}

Likelihood probe(const Segment& first) {
  const size_t length = measure(first.data);
  if (length == FramedStream::kNoFrame) return Likelihood::kNo;
  if (length == 0 || length > first.data.size()) {
    const bool is_on_port = first.has_port(kPorts[0]) || first.has_port(kPorts[1]);
    return is_on_port ? Likelihood::kMaybe : Likelihood::kNo;
  }
  // A wrong check is kept for those whose length is right, so that it can be told.
  const bool is_right = has_right_check(first.data.first(length));
  return is_right                      ? Likelihood::kLikely
         : length == first.data.size() ? Likelihood::kMaybe
                                       : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* synchrophasor = static_cast<State*>(state);
  constexpr FrameRules kRules{measure, kMaxKept, anomaly_code::kSynchrophasorMalformed};
  return show_frames(kRules, segment, synchrophasor, context, [&](Bytes frame, size_t bytes) {
    on_frame(frame, bytes, synchrophasor, context);
  });
}

}  // namespace

extern const Parser kSynchrophasor;

const Parser kSynchrophasor{
    .app = AppId::kSynchrophasor,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .on_gap = lose_frames<State>,
    .first_bytes = "\xaa",
    .ports = kPorts,
};

}  // namespace thymus::dpi
