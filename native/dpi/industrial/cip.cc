#include "dpi/industrial/cip.h"

#include "base/generated/events/enip.h"
#include "base/text_builder.h"
#include "dpi/industrial/cip_names.h"

namespace thymus::dpi {
namespace {

namespace asked = event::enip::request::cip;
namespace given = event::enip::response::cip;
static_assert(asked::kService == asked::multiple::kService);
static_assert(asked::kPath == asked::multiple::kPath);
static_assert(asked::kClassName == asked::multiple::kClassName);
static_assert(asked::kSymbol == asked::multiple::kSymbol);
static_assert(given::kStatusExtendedMeaning == given::multiple::kStatusExtendedMeaning);

constexpr uint8_t kMultipleServices = 0x0a, kExecutePccc = 0x4b, kUnconnectedSend = 0x52;
constexpr uint32_t kIdentityClass = 0x01, kPcccClass = 0x67;
constexpr uint16_t kMaxCarried = 32;
constexpr int kMaxSegments = 32;

// ---- Paths: segments, each with its kind in the three highest bits of its first byte

enum class SegmentKind : uint8_t { kLogical, kSymbol, kOther };

struct Segment {
  SegmentKind kind;
  uint8_t type;  // the first byte
  uint32_t value;
  Bytes symbol;
};

bool next_logical(Reader* r, Segment* segment) {
  constexpr uint8_t kElectronicKey = 0x34;
  if (segment->type == kElectronicKey) {
    const uint8_t key_format = r->u8();
    segment->kind = SegmentKind::kOther;
    return key_format == 4 && r->skip(8);
  }
  segment->kind = SegmentKind::kLogical;
  switch (segment->type & 3) {
    case 0:
      segment->value = r->u8();
      return r->ok();
    case 1:
      r->skip(1);
      segment->value = r->le16();
      return r->ok();
    case 2:
      r->skip(1);
      segment->value = r->le32();
      return r->ok();
    default:
      return false;
  }
}

// To another port of a device: the number may be in two more bytes, the link address in some.
bool skip_port(uint8_t type, Reader* r) {
  constexpr uint8_t kHasLength = 0x10, kWidePort = 0x0f;
  const uint8_t length = (type & kHasLength) != 0 ? r->u8() : uint8_t{1};
  if ((type & 0x0f) == kWidePort) r->skip(2);
  const bool is_padded = (type & kHasLength) != 0 && length % 2 != 0;
  return r->skip(length + (is_padded ? 1u : 0u));
}

bool next_segment(Reader* r, Segment* segment) {
  constexpr uint8_t kSymbolic = 0x91, kSimpleData = 0x80;
  *segment = {};
  segment->kind = SegmentKind::kOther;
  segment->type = r->u8();
  switch (segment->type >> 5) {
    case 0:
      return skip_port(segment->type, r);
    case 1:
      return next_logical(r, segment);
    case 4:
      break;
    default:
      return false;
  }
  const uint8_t length = r->u8();
  if (segment->type == kSimpleData) return r->skip(size_t{2} * length);
  if (segment->type != kSymbolic) return false;
  segment->kind = SegmentKind::kSymbol;
  segment->symbol = r->take(length);
  if (length % 2 != 0) r->skip(1);
  return r->ok();
}

template <typename Use>
void each_segment(Bytes path, Use&& use) {
  Reader r(path);
  Segment segment;
  for (int i = 0; i < kMaxSegments && !r.empty() && next_segment(&r, &segment); ++i) use(segment);
}

bool is_class(const Segment& segment) {
  return segment.kind == SegmentKind::kLogical && (segment.type & 0x1c) == 0;
}

void put_segment(const Segment& segment, EventWriter* events) {
  constexpr std::string_view kKinds[] = {"class", "instance", "member", "connection_point",
                                         "attribute"};
  constexpr std::string_view kWidths[] = {"_8bit", "_16bit", "_32bit"};
  const size_t kind = segment.type >> 2 & 7;
  if (segment.kind != SegmentKind::kLogical || kind >= std::size(kKinds)) return;
  TextBuilder<32> name(kKinds[kind]);
  name.add(kWidths[segment.type & 3]);
  events->open(asked::kPath);
  events->put_text(asked::path::kSegmentType, name.view());
  events->put(asked::path::kValue, segment.value);
  events->close();
}

void put_path(const CipMessage& request, EventWriter* events) {
  TextBuilder<128> symbol;
  bool has_class = false;
  each_segment(request.path, [&](const Segment& segment) {
    put_segment(segment, events);
    has_class = has_class || is_class(segment);
    if (segment.kind != SegmentKind::kSymbol) return;
    if (!symbol.view().empty()) symbol.add('.');
    symbol.add(as_text(segment.symbol));
  });
  if (has_class) {
    TextBuilder<32> number("unknown-");
    const std::string_view name = cip_class_name(request.class_id);
    events->put_text(asked::kClassName,
                     name.empty() ? number.add_number(request.class_id).view() : name);
  }
  put_name(asked::kSymbol, symbol.view(), events);
}

// ---- Messages inside of messages

// An unconnected send: ticks (2)  length (2)  message
bool read_unconnected(const CipMessage& request, CipMessage* carried) {
  Reader r(request.data);
  r.skip(2);
  const uint16_t length = r.le16();
  const Bytes message = r.take(length);
  return r.ok() && read_cip(message, 0, carried);
}

// Multiple services: number (2)  offsets from there (2 each)  messages
template <typename Use>
void each_of_multiple(const CipMessage& message, Use&& use) {
  Reader offsets(message.data);
  const uint16_t n = std::min(offsets.le16(), kMaxCarried);
  for (uint16_t i = 0; i < n; ++i) {
    Reader at(message.data);
    CipMessage carried;
    if (!at.seek(offsets.le16()) || !offsets.ok()) return;
    if (read_cip(at.rest(), 0, &carried)) use(carried);
  }
}

template <typename Use>
void each_carried(const CipMessage& request, Use&& use) {
  CipMessage carried;
  if (request.service == kMultipleServices) {
    each_of_multiple(request, use);
  } else if (request.class_id == kCipConnectionManager && request.service == kUnconnectedSend &&
             read_unconnected(request, &carried)) {
    use(carried);
  }
}

// Requestor: length (1, itself included), its bytes; command (1)  status (1)  number (2)
// function (1)
Service pccc_of(const CipMessage& request) {
  constexpr uint8_t kDiagnostics = 0x06, kExtended = 0x0f;
  if (request.class_id != kPcccClass || request.service != kExecutePccc) return {};
  Reader r(request.data);
  const uint8_t requestor_bytes = r.peek_u8();
  r.skip(requestor_bytes);
  const uint8_t command = r.u8() & 0x0f;
  r.skip(3);
  const bool has_function = command == kDiagnostics || command == kExtended;
  const uint8_t function = has_function ? r.u8() : uint8_t{0};
  return r.ok() ? pccc_service(command, function) : Service{};
}

Operation own_operation(const CipMessage& request) {
  const Service pccc = pccc_of(request);
  if (!pccc.name.empty()) return pccc.operation;
  const Operation operation = cip_service(request.class_id, request.service).operation;
  const bool asks_who = request.class_id == kIdentityClass && operation == Operation::kRead;
  return asks_who ? Operation::kIdentify : operation;
}

void put_service(const CipMessage& message, uint16_t field, EventWriter* events) {
  TextBuilder<32> number("unknown-");
  const std::string_view name = cip_service(message.class_id, message.service).name;
  events->put_text(field, name.empty() ? number.add_number(message.service).view() : name);
}

void put_own_request(const CipMessage& request, EventWriter* events) {
  put_service(request, asked::kService, events);
  put_path(request, events);
}

void put_own_response(const CipMessage& response, EventWriter* events) {
  TextBuilder<32> number("unknown-");
  const std::string_view status = cip_status_name(response.status);
  put_service(response, given::kService, events);
  events->put_text(given::kStatus,
                   status.empty() ? number.add_number(response.status).view() : status);
  if (response.extended_status.empty()) return;
  events->put_bytes(given::kStatusExtended, response.extended_status);
  if (response.extended_status.size() != 2) return;
  const uint16_t extended = load_le16(response.extended_status.data());
  put_name(given::kStatusExtendedMeaning, cip_extended_status_name(extended), events);
}

}  // namespace

//   request: service (1)  path length in words (1)  path  data
//   response: service with its highest bit (1)  reserved (1)  status (1)  words of extended status
//   (1)  extended status  data
bool read_cip(Bytes bytes, uint32_t class_id_of_request, CipMessage* message) {
  constexpr uint8_t kResponse = 0x80;
  *message = {};
  Reader r(bytes);
  const uint8_t service = r.u8();
  message->service = service & 0x7f;
  message->is_response = (service & kResponse) != 0;
  if (message->is_response) {
    r.skip(1);
    message->status = r.u8();
    message->extended_status = r.take(size_t{2} * r.u8());
    message->class_id = class_id_of_request;
  } else {
    message->path = r.take(size_t{2} * r.u8());
    each_segment(message->path, [&](const Segment& segment) {
      if (is_class(segment)) message->class_id = segment.value;
    });
  }
  message->data = r.rest();
  return r.ok();
}

Operation cip_operation(const CipMessage& request) {
  // The worst is meant first.
  constexpr Operation kGravity[] = {Operation::kProgram,  Operation::kControl, Operation::kWrite,
                                    Operation::kIdentify, Operation::kRead,    Operation::kOther};
  const auto gravity = [&](Operation operation) {
    return std::find(std::begin(kGravity), std::end(kGravity), operation) - std::begin(kGravity);
  };
  Operation worst = own_operation(request);
  each_carried(request, [&](const CipMessage& carried) {
    const Operation operation = carried.is_response ? Operation::kOther : own_operation(carried);
    if (gravity(operation) < gravity(worst)) worst = operation;
  });
  return worst;
}

void put_cip_request(const CipMessage& request, EventWriter* events) {
  put_own_request(request, events);
  put_name(asked::kPcccCommand, pccc_of(request).name, events);
  each_carried(request, [&](const CipMessage& carried) {
    if (carried.is_response) return;
    events->open(asked::kMultiple);
    put_own_request(carried, events);
    events->close();
  });
}

void put_cip_response(const CipMessage& response, EventWriter* events) {
  put_own_response(response, events);
  if (response.service != kMultipleServices) return;
  each_of_multiple(response, [&](const CipMessage& carried) {
    if (!carried.is_response) return;
    events->open(given::kMultiple);
    put_own_response(carried, events);
    events->close();
  });
}

}  // namespace thymus::dpi
