// BACnet over IP (ASHRAE 135, annex J). A datagram:
//
//   0  0x81   1  function of the virtual link   2  bytes of all   4  fields of the function, then
//   network: version 1  control  [destination: network (2)  length  address]  [source: the same]
//     [hop count]  [type of a network message]
//   application: type in the four highest bits, then fields of the type, service, tagged values
#include "base/generated/events/bacnet.h"

#include <array>
#include <charconv>

#include "dpi/industrial/bacnet_names.h"
#include "dpi/industrial/event_quota.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::bacnet;

constexpr uint16_t kPorts[] = {47808};
constexpr size_t kHeaderBytes = 4;
constexpr uint8_t kVirtualLink = 0x81;
constexpr uint8_t kForwarded = 0x04, kRegisterForeignDevice = 0x05;
constexpr int kMaxObjects = 32;
constexpr int kMaxTags = 512;

struct State {
  EventQuota quota;
  uint32_t n_messages;
};

enum class PduType : uint8_t {
  kConfirmed,
  kUnconfirmed,
  kSimpleAck,
  kComplexAck,
  kSegmentAck,
  kError,
  kReject,
  kAbort
};
constexpr std::string_view kPduNames[] = {"confirmed_request",
                                          "unconfirmed_request",
                                          "simple_ack",
                                          "complex_ack",
                                          "segment_ack",
                                          "error",
                                          "reject",
                                          "abort"};

struct Network {
  uint8_t control;
  uint16_t dest_network;
  uint16_t src_network;
  Bytes dest_address;
  Bytes src_address;
  uint8_t hop_count;
  bool is_message;
  uint8_t message;
};

struct Application {
  PduType type;
  bool has_invoke_id;
  bool is_later_segment;
  uint8_t invoke_id;
  uint8_t segment;
  bool has_service;
  uint8_t service;
  uint8_t reason;
  Bytes values;
};

struct Message {
  uint8_t function;
  bool has_network;
  bool has_application;
  uint16_t ttl;  // of a foreign device, seconds
  Network network;
  Application application;
};

bool read_network(Reader* r, Network* network) {
  constexpr uint8_t kIsMessage = 0x80, kHasDestination = 0x20, kHasSource = 0x08;
  if (r->u8() != 1) return false;
  network->control = r->u8();
  if ((network->control & kHasDestination) != 0) {
    network->dest_network = r->be16();
    network->dest_address = r->take(r->u8());
  }
  if ((network->control & kHasSource) != 0) {
    network->src_network = r->be16();
    network->src_address = r->take(r->u8());
  }
  if ((network->control & kHasDestination) != 0) network->hop_count = r->u8();
  network->is_message = (network->control & kIsMessage) != 0;
  if (network->is_message) network->message = r->u8();
  return r->ok();
}

bool read_application(Reader* r, Application* application) {
  constexpr uint8_t kSegmented = 0x08;
  const uint8_t first = r->u8();
  if (first >> 4 > static_cast<uint8_t>(PduType::kAbort)) return false;
  application->type = static_cast<PduType>(first >> 4);
  const PduType type = application->type;
  if (type == PduType::kConfirmed) r->skip(1);
  application->has_invoke_id = type != PduType::kUnconfirmed;
  if (application->has_invoke_id) application->invoke_id = r->u8();
  const bool may_be_segmented = type == PduType::kConfirmed || type == PduType::kComplexAck;
  if (may_be_segmented && (first & kSegmented) != 0) {
    application->segment = r->u8();
    r->skip(1);
    application->is_later_segment = application->segment > 0;
  }
  if (type == PduType::kReject || type == PduType::kAbort) {
    application->reason = r->u8();
  } else if (type != PduType::kSegmentAck) {
    application->has_service = true;
    application->service = r->u8();
  }
  application->values = r->rest();
  return r->ok();
}

// False for what breaks the format.
bool read_message(Bytes datagram, Message* message) {
  constexpr uint8_t kHighestWithoutNetwork = 0x08;
  *message = {};
  Reader r(datagram);
  if (r.u8() != kVirtualLink) return false;
  message->function = r.u8();
  const uint16_t length = r.be16();
  if (!r.ok() || length < kHeaderBytes || length > datagram.size() ||
      service_of(kBacnetLinkFunctions, message->function).name.empty()) {
    return false;
  }
  Reader body(r.take(length - kHeaderBytes));
  if (message->function == kRegisterForeignDevice) message->ttl = body.be16();
  if (message->function == kForwarded) {
    body.skip(6);
  } else if (message->function <= kHighestWithoutNetwork) {
    return body.ok();
  }
  message->has_network = true;
  if (!read_network(&body, &message->network)) return false;
  if (message->network.is_message) return true;
  message->has_application = true;
  return read_application(&body, &message->application);
}

// ---- Tagged values (clause 20.2)

struct Tag {
  uint8_t number;
  bool is_context;
  bool is_opening;
  bool is_closing;
  Bytes value;

  bool holds_object() const {
    constexpr uint8_t kObjectIdentifier = 12;
    return value.size() == 4 && (is_context || number == kObjectIdentifier);
  }
  uint32_t as_unsigned() const {
    uint32_t n = 0;
    for (const uint8_t byte : value.first(std::min<size_t>(value.size(), 4))) n = n << 8 | byte;
    return n;
  }
};

bool next_tag(Reader* r, Tag* tag) {
  constexpr uint8_t kBoolean = 1, kExtendedLength = 5, kOpening = 6, kClosing = 7;
  *tag = {};
  const uint8_t first = r->u8();
  tag->number = first >> 4;
  tag->is_context = (first & 0x08) != 0;
  const uint8_t length = first & 7;
  if (tag->number == 15) tag->number = r->u8();
  tag->is_opening = tag->is_context && length == kOpening;
  tag->is_closing = tag->is_context && length == kClosing;
  if (tag->is_opening || tag->is_closing) return r->ok();
  if (!tag->is_context && tag->number == kBoolean) return r->ok();
  uint32_t n = length;
  if (length == kExtendedLength) {
    n = r->u8();
    if (n == 254) n = r->be16();
    if (n == 255) n = r->be32();
  }
  tag->value = r->take(n);
  return r->ok();
}

// Shows each value and bracket with its depth. False when the format breaks; an end inside of
// brackets is allowed, since segments are cut anywhere.
template <typename Use>
bool each_tag(Bytes values, Use&& use) {
  Reader r(values);
  int depth = 0;
  for (int i = 0; i < kMaxTags && !r.empty(); ++i) {
    Tag tag;
    if (!next_tag(&r, &tag)) return false;
    if (tag.is_closing && --depth < 0) return false;
    if (!use(tag, depth)) return true;
    if (tag.is_opening) ++depth;
  }
  return true;
}

// ---- Objects and properties

// Writes the objects that a message names as they come: an object with a property is known when
// the next one begins.
class ObjectWriter {
 public:
  explicit ObjectWriter(EventWriter* events) : events_(events) {}

  void object(uint32_t identifier) {
    flush();
    has_object_ = true;
    identifier_ = identifier;
  }
  void property(uint32_t number) {
    if (has_property_) flush_property();
    has_property_ = true;
    property_ = number;
  }
  void index(uint32_t number) {
    has_index_ = has_property_;
    index_ = number;
  }
  void flush() {
    if (has_property_ || (has_object_ && !is_written_)) flush_property();
    has_object_ = is_written_ = false;
  }

 private:
  void flush_property() {
    constexpr int kInstanceBits = 22;
    if (n_written_++ < kMaxObjects && has_object_) {
      events_->open(ids::kObjects);
      put_number_or_name(ids::objects::kType, kBacnetObjectTypes, identifier_ >> kInstanceBits);
      events_->put(ids::objects::kInstance, identifier_ & ((1u << kInstanceBits) - 1));
      if (has_property_) {
        put_number_or_name(ids::objects::kProperty, kBacnetProperties, property_);
      }
      if (has_index_) events_->put(ids::objects::kIndex, index_);
      events_->close();
    }
    is_written_ = true;
    has_property_ = has_index_ = false;
  }
  void put_number_or_name(uint16_t field, std::span<const NumberName> names, uint32_t number) {
    const std::string_view name = name_of(names, number);
    if (!name.empty()) return events_->put_text(field, name);
    std::array<char, 10> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    events_->put_text(field, {digits.data(), static_cast<size_t>(end - digits.data())});
  }

  EventWriter* events_;
  bool has_object_ = false;
  bool is_written_ = false;
  bool has_property_ = false;
  bool has_index_ = false;
  uint32_t identifier_ = 0;
  uint32_t property_ = 0;
  uint32_t index_ = 0;
  int n_written_ = 0;
};

constexpr uint8_t kSubscribeCov = 5, kAtomicReadFile = 6, kAtomicWriteFile = 7, kAddListElement = 8,
                  kRemoveListElement = 9, kDeleteObject = 11, kReadProperty = 12,
                  kReadMultiple = 14, kWriteProperty = 15, kWriteMultiple = 16, kReadRange = 26,
                  kSubscribeCovProperty = 28;
constexpr uint8_t kIAm = 0, kIHave = 1, kCovNotification = 2, kWhoHas = 7, kWhoIs = 8;

// Object 0, property 1, index 2, of a write: priority 4.
bool put_property_access(Bytes values, bool is_write, EventWriter* events) {
  ObjectWriter objects(events);
  const bool is_whole = each_tag(values, [&](const Tag& tag, int depth) {
    if (depth > 0 || !tag.is_context || tag.is_opening || tag.is_closing) return true;
    if (tag.number == 0 && tag.holds_object()) objects.object(tag.as_unsigned());
    if (tag.number == 1) objects.property(tag.as_unsigned());
    if (tag.number == 2) objects.index(tag.as_unsigned());
    if (tag.number == 4 && is_write) events->put(ids::kPriority, tag.as_unsigned());
    return true;
  });
  objects.flush();
  return is_whole;
}

// Object 0, then in bracket 1 properties with indexes: numbers 0 and 1 in requests, 2 and 3 in
// answers.
bool put_multiple_access(Bytes values, bool is_answer, EventWriter* events) {
  ObjectWriter objects(events);
  const uint8_t property = is_answer ? 2 : 0;
  const bool is_whole = each_tag(values, [&](const Tag& tag, int depth) {
    if (!tag.is_context || tag.is_opening || tag.is_closing) return true;
    if (depth == 0 && tag.number == 0 && tag.holds_object()) objects.object(tag.as_unsigned());
    if (depth == 1 && tag.number == property) objects.property(tag.as_unsigned());
    if (depth == 1 && tag.number == property + 1) objects.index(tag.as_unsigned());
    return true;
  });
  objects.flush();
  return is_whole;
}

// The objects at the first level that have context tag `number`, or are of no context.
bool put_named_objects(Bytes values, int number, EventWriter* events) {
  constexpr uint8_t kObjectIdentifier = 12;
  ObjectWriter objects(events);
  const bool is_whole = each_tag(values, [&](const Tag& tag, int depth) {
    const bool is_object =
        tag.is_context ? tag.number == number : number < 0 && tag.number == kObjectIdentifier;
    if (depth == 0 && is_object && tag.value.size() == 4) objects.object(tag.as_unsigned());
    return true;
  });
  objects.flush();
  return is_whole;
}

// Device (object), largest message (unsigned), segmentation (enumerated), vendor (unsigned).
bool put_i_am(Bytes values, EventWriter* events) {
  int position = 0;
  const bool is_whole = each_tag(values, [&](const Tag& tag, int) {
    if (position++ == 3) events->put(ids::kVendorId, tag.as_unsigned());
    return true;
  });
  return put_named_objects(values, -1, events) && is_whole;
}

bool put_limits(Bytes values, EventWriter* events) {
  return each_tag(values, [&](const Tag& tag, int depth) {
    if (depth > 0 || !tag.is_context) return true;
    if (tag.number == 0) events->put(ids::kLowLimit, tag.as_unsigned());
    if (tag.number == 1) events->put(ids::kHighLimit, tag.as_unsigned());
    return true;
  });
}

bool put_confirmed(const Application& application, EventWriter* events) {
  const Bytes values = application.values;
  const bool is_answer = application.type == PduType::kComplexAck;
  switch (application.service) {
    case kReadProperty:
    case kAddListElement:
    case kRemoveListElement:
    case kReadRange:
      return put_property_access(values, false, events);
    case kWriteProperty:
      return put_property_access(values, true, events);
    case kReadMultiple:
    case kWriteMultiple:
      return put_multiple_access(values, is_answer, events);
    case kSubscribeCov:
    case kSubscribeCovProperty:
      return put_named_objects(values, 1, events);
    case kAtomicReadFile:
    case kAtomicWriteFile:
    case kDeleteObject:
      return put_named_objects(values, -1, events);
    default:
      return each_tag(values, [](const Tag&, int) { return true; });
  }
}

bool put_unconfirmed(const Application& application, EventWriter* events) {
  const Bytes values = application.values;
  switch (application.service) {
    case kIAm:
      return put_i_am(values, events);
    case kIHave:
      return put_named_objects(values, -1, events);
    case kCovNotification:
      return put_named_objects(values, 2, events);
    case kWhoHas:
      return put_named_objects(values, 2, events);
    case kWhoIs:
      return put_limits(values, events);
    default:
      return each_tag(values, [](const Tag&, int) { return true; });
  }
}

// Class and code, some services put them into a bracket.
bool put_error(Bytes values, EventWriter* events) {
  int position = 0;
  return each_tag(values, [&](const Tag& tag, int) {
    if (tag.is_opening || tag.is_closing || tag.is_context) return true;
    const uint32_t number = tag.as_unsigned();
    if (position == 0) put_name(ids::kErrorClass, name_of(kBacnetErrorClasses, number), events);
    if (position == 1) put_name(ids::kErrorCode, name_of(kBacnetErrorCodes, number), events);
    ++position;
    return true;
  });
}

Service service_of_message(const Message& message) {
  if (!message.has_application || !message.application.has_service) {
    return service_of(kBacnetLinkFunctions, message.function);
  }
  const bool is_confirmed = message.application.type != PduType::kUnconfirmed;
  return service_of(is_confirmed ? kBacnetConfirmedServices : kBacnetUnconfirmedServices,
                    message.application.service);
}

// False when the values break the format.
bool put_application(const Application& application, const Service& service, EventWriter* events) {
  const PduType type = application.type;
  events->put_text(ids::kPdu, kPduNames[static_cast<size_t>(type)]);
  if (application.has_invoke_id) events->put(ids::kInvokeId, application.invoke_id);
  if (application.has_service) put_name(ids::kService, service.name, events);
  if (type == PduType::kReject) {
    put_name(ids::kReason, name_of(kBacnetRejectReasons, application.reason), events);
  }
  if (type == PduType::kAbort) {
    put_name(ids::kReason, name_of(kBacnetAbortReasons, application.reason), events);
  }
  if (application.is_later_segment) {
    events->put(ids::kSegment, application.segment);
    return true;
  }
  if (type == PduType::kError) return put_error(application.values, events);
  if (type == PduType::kUnconfirmed) return put_unconfirmed(application, events);
  const bool has_values = type == PduType::kConfirmed || type == PduType::kComplexAck;
  return !has_values || put_confirmed(application, events);
}

void put_network(const Network& network, EventWriter* events) {
  if (network.dest_network != 0) {
    events->put(ids::kHopCount, network.hop_count);
    events->put(ids::kDestNetwork, network.dest_network);
    if (!network.dest_address.empty()) events->put_bytes(ids::kDestAddress, network.dest_address);
  }
  if (network.src_network != 0) {
    events->put(ids::kSrcNetwork, network.src_network);
    events->put_bytes(ids::kSrcAddress, network.src_address);
  }
  if (!network.is_message) return;
  put_name(ids::kNetworkMessage, name_of(kBacnetNetworkMessages, network.message), events);
}

Operation operation_of(const Message& message, const Service& service) {
  constexpr uint8_t kInitializeRoutingTable = 6;
  if (!message.has_network || !message.network.is_message) return service.operation;
  if (message.network.message == kInitializeRoutingTable) return Operation::kWrite;
  return message.network.message < 2 ? Operation::kIdentify : Operation::kOther;
}

void write_message(const Message& message, State* state, Context* context) {
  const Service service = service_of_message(message);
  const Operation operation = operation_of(message, service);
  if (!state->quota.allows(operation, context)) return;
  EventWriter* events = context->events;
  events->begin(event::kBacnet);
  events->put_text(ids::kOperation, name_of(operation));
  events->put_text(ids::kBvlc, service_of(kBacnetLinkFunctions, message.function).name);
  if (message.function == kRegisterForeignDevice) events->put(ids::kTtl, message.ttl);
  if (message.has_network) put_network(message.network, events);
  const bool is_whole =
      !message.has_application || put_application(message.application, service, events);
  events->end();
  if (!is_whole) state->quota.complain(anomaly_code::kBacnetMalformed, context);
}

Likelihood probe(const Segment& first) {
  Message message;
  if (!read_message(first.data, &message)) return Likelihood::kNo;
  const bool is_exact = Reader(first.data).peek_be16(2) == first.data.size();
  const bool is_sure = first.has_port(kPorts[0]) || (message.has_network && is_exact);
  return is_sure ? Likelihood::kLikely : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* bacnet = static_cast<State*>(state);
  Message message;
  if (read_message(segment.data, &message)) {
    bacnet->n_messages += bacnet->n_messages < UINT32_MAX ? 1 : 0;
    write_message(message, bacnet, context);
    return Answer::kAccept;
  }
  if (bacnet->n_messages == 0) return Answer::kReject;
  bacnet->quota.complain(anomaly_code::kBacnetMalformed, context);
  return Answer::kAccept;
}

}  // namespace

extern const Parser kBacnet;

const Parser kBacnet{
    .app = AppId::kBacnet,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "\x81",
    .ports = kPorts,
};

}  // namespace thymus::dpi
