#include "dpi/dnp3/objects.h"

#include <bit>
#include <cstring>

#include "base/generated/events/dnp3.h"

namespace thymus::dpi {
namespace {

namespace ids = event::dnp3::application::objects;
namespace point = ids::points;

constexpr size_t kMaxObjects = 128;
constexpr uint32_t kMaxPoints = 512;  // of a message that are shown

// A bit field of one octet, from bit 0 up.
struct BitField {
  uint16_t field;
  uint8_t width;
};
using Octet = const BitField[8];

constexpr Octet kBinary = {{point::kOnline, 1},      {point::kRestart, 1},
                           {point::kCommLost, 1},    {point::kRemoteForced, 1},
                           {point::kLocalForced, 1}, {point::kChatterFilter, 1},
                           {point::kReserved, 1},    {point::kState, 1}};
constexpr Octet kDoubleBit = {{point::kOnline, 1},      {point::kRestart, 1},
                              {point::kCommLost, 1},    {point::kRemoteForced, 1},
                              {point::kLocalForced, 1}, {point::kChatterFilter, 1},
                              {point::kState, 2}};
constexpr Octet kOutput = {{point::kOnline, 1},      {point::kRestart, 1},
                           {point::kCommLost, 1},    {point::kRemoteForced, 1},
                           {point::kLocalForced, 1}, {point::kReserved0, 1},
                           {point::kReserved1, 1},   {point::kState, 1}};
constexpr Octet kCounter = {{point::kOnline, 1},        {point::kRestart, 1},
                            {point::kCommLost, 1},      {point::kRemoteForced, 1},
                            {point::kLocalForced, 1},   {point::kRollover, 1},
                            {point::kDiscontinuity, 1}, {point::kReserved0, 1}};
constexpr Octet kDeltaCounter = {{point::kOnline, 1},      {point::kRestart, 1},
                                 {point::kCommLost, 1},    {point::kRemoteForced, 1},
                                 {point::kLocalForced, 1}, {point::kRollover, 1},
                                 {point::kReserved0, 1},   {point::kReserved1, 1}};
constexpr Octet kAnalog = {{point::kOnline, 1},       {point::kRestart, 1},
                           {point::kCommLost, 1},     {point::kRemoteForced, 1},
                           {point::kLocalForced, 1},  {point::kOverRange, 1},
                           {point::kReferenceErr, 1}, {point::kReserved0, 1}};
constexpr Octet kControl = {
    {point::kOpType, 4}, {point::kQu, 1}, {point::kCr, 1}, {point::kTcc, 2}};
constexpr Octet kControlStatus = {{point::kStatusCode, 7}, {point::kReserved, 1}};
constexpr Octet kCommandedState = {{point::kStatusCode, 7}, {point::kCommandedState, 1}};
constexpr Octet kCommandedValue = {{point::kStatusCode, 7}, {point::kReserved0, 1}};
constexpr Octet kFill = {{point::kFillPercentage, 7}, {point::kOverflowState, 1}};

// One step of a layout.
enum class Kind : uint8_t { kEnd, kOctet, kU8, kU16, kU32, kU48, kI16, kI32, kF32, kF64, kText };

struct Step {
  Kind kind = Kind::kEnd;
  uint16_t field = 0;
  const BitField* bits = nullptr;
};
constexpr Step octet(const BitField* bits) { return {Kind::kOctet, 0, bits}; }
constexpr Step kTime{Kind::kU48, point::kTimestamp};
constexpr Step kCount16{Kind::kU16, point::kCount};
constexpr Step kCount32{Kind::kU32, point::kCount};
constexpr Step kInt16{Kind::kI16, point::kValue};
constexpr Step kInt32{Kind::kI32, point::kValue};
constexpr Step kFloat{Kind::kF32, point::kValue};
constexpr Step kDouble{Kind::kF64, point::kValue};
constexpr Step kStatusOctet{Kind::kU8, point::kControlStatus};
constexpr Step commanded(Kind kind) { return {kind, point::kCommandedValue}; }

struct Layout {
  uint8_t group;
  uint8_t variation;
  Step steps[6];
};

constexpr Layout kLayouts[] = {
    {1, 2, {octet(kBinary)}},
    {2, 1, {{Kind::kU8, point::kState}}},
    {2, 2, {octet(kBinary), kTime}},
    {2, 3, {octet(kBinary), {Kind::kU16, point::kTimestamp}}},
    {3, 2, {octet(kDoubleBit)}},
    {4, 1, {octet(kDoubleBit)}},
    {4, 2, {octet(kDoubleBit), kTime}},
    {4, 3, {octet(kDoubleBit), {Kind::kU16, point::kRelativeTimeMs}}},
    {10, 2, {octet(kOutput)}},
    {11, 1, {octet(kOutput)}},
    {11, 2, {octet(kOutput), kTime}},
    {12,
     1,
     {octet(kControl),
      {Kind::kU8, point::kCount},
      {Kind::kU32, point::kOntime},
      {Kind::kU32, point::kOfftime},
      octet(kControlStatus)}},
    {12,
     2,
     {octet(kControl),
      {Kind::kU8, point::kCount},
      {Kind::kU32, point::kOntime},
      {Kind::kU32, point::kOfftime},
      octet(kControlStatus)}},
    {13, 1, {octet(kCommandedState)}},
    {13, 2, {octet(kCommandedState), kTime}},
    {20, 1, {octet(kCounter), kCount32}},
    {20, 2, {octet(kCounter), kCount16}},
    {20, 3, {octet(kDeltaCounter), kCount32}},
    {20, 4, {octet(kDeltaCounter), kCount16}},
    {20, 5, {kCount32}},
    {20, 6, {kCount16}},
    {20, 7, {kCount32}},
    {20, 8, {kCount16}},
    {21, 1, {octet(kCounter), kCount32}},
    {21, 2, {octet(kCounter), kCount16}},
    {21, 3, {octet(kDeltaCounter), kCount32}},
    {21, 4, {octet(kDeltaCounter), kCount16}},
    {21, 5, {octet(kCounter), kCount32, kTime}},
    {21, 6, {octet(kCounter), kCount16, kTime}},
    {21, 7, {octet(kDeltaCounter), kCount32, kTime}},
    {21, 8, {octet(kDeltaCounter), kCount16, kTime}},
    {21, 9, {kCount32}},
    {21, 10, {kCount16}},
    {21, 11, {kCount32}},
    {21, 12, {kCount16}},
    {22, 1, {octet(kCounter), kCount32}},
    {22, 2, {octet(kCounter), kCount16}},
    {22, 3, {octet(kDeltaCounter), kCount32}},
    {22, 4, {octet(kDeltaCounter), kCount16}},
    {22, 5, {octet(kCounter), kCount32, kTime}},
    {22, 6, {octet(kCounter), kCount16, kTime}},
    {22, 7, {octet(kDeltaCounter), kCount32, kTime}},
    {22, 8, {octet(kDeltaCounter), kCount16, kTime}},
    {23, 1, {octet(kCounter), kCount32}},
    {23, 2, {octet(kCounter), kCount16}},
    {23, 3, {octet(kDeltaCounter), kCount32}},
    {23, 4, {octet(kDeltaCounter), kCount16}},
    {23, 5, {octet(kCounter), kCount32, kTime}},
    {23, 6, {octet(kCounter), kCount16, kTime}},
    {23, 7, {octet(kDeltaCounter), kCount32, kTime}},
    {23, 8, {octet(kDeltaCounter), kCount16, kTime}},
    {30, 1, {octet(kAnalog), kInt32}},
    {30, 2, {octet(kAnalog), kInt16}},
    {30, 3, {kInt32}},
    {30, 4, {kInt16}},
    {30, 5, {octet(kAnalog), kFloat}},
    {30, 6, {octet(kAnalog), kDouble}},
    {31, 1, {octet(kAnalog), kInt32}},
    {31, 2, {octet(kAnalog), kInt16}},
    {31, 3, {octet(kAnalog), kInt32, kTime}},
    {31, 4, {octet(kAnalog), kInt16, kTime}},
    {31, 5, {kInt32}},
    {31, 6, {kInt16}},
    {31, 7, {octet(kAnalog), kFloat}},
    {31, 8, {octet(kAnalog), kDouble}},
    {32, 1, {octet(kAnalog), kInt32}},
    {32, 2, {octet(kAnalog), kInt16}},
    {32, 3, {octet(kAnalog), kInt32, kTime}},
    {32, 4, {octet(kAnalog), kInt16, kTime}},
    {32, 5, {octet(kAnalog), kFloat}},
    {32, 6, {octet(kAnalog), kDouble}},
    {32, 7, {octet(kAnalog), kFloat, kTime}},
    {32, 8, {octet(kAnalog), kDouble, kTime}},
    {33, 1, {octet(kAnalog), kInt32}},
    {33, 2, {octet(kAnalog), kInt16}},
    {33, 3, {octet(kAnalog), kInt32, kTime}},
    {33, 4, {octet(kAnalog), kInt16, kTime}},
    {33, 5, {octet(kAnalog), kFloat}},
    {33, 6, {octet(kAnalog), kDouble}},
    {33, 7, {octet(kAnalog), kFloat, kTime}},
    {33, 8, {octet(kAnalog), kDouble, kTime}},
    {34, 1, {{Kind::kU16, point::kDeadbandValue}}},
    {34, 2, {{Kind::kU32, point::kDeadbandValue}}},
    {34, 3, {{Kind::kF32, point::kDeadbandValue}}},
    {40, 1, {octet(kAnalog), kInt32}},
    {40, 2, {octet(kAnalog), kInt16}},
    {40, 3, {octet(kAnalog), kFloat}},
    {40, 4, {octet(kAnalog), kDouble}},
    {41, 1, {kInt32, kStatusOctet}},
    {41, 2, {kInt16, kStatusOctet}},
    {41, 3, {kFloat, kStatusOctet}},
    {41, 4, {kDouble, kStatusOctet}},
    {42, 1, {octet(kAnalog), kInt32}},
    {42, 2, {octet(kAnalog), kInt16}},
    {42, 3, {octet(kAnalog), kInt32, kTime}},
    {42, 4, {octet(kAnalog), kInt16, kTime}},
    {42, 5, {octet(kAnalog), kFloat}},
    {42, 6, {octet(kAnalog), kDouble}},
    {42, 7, {octet(kAnalog), kFloat, kTime}},
    {42, 8, {octet(kAnalog), kDouble, kTime}},
    {43, 1, {octet(kCommandedValue), commanded(Kind::kI32)}},
    {43, 2, {octet(kCommandedValue), commanded(Kind::kI16)}},
    {43, 3, {octet(kCommandedValue), commanded(Kind::kI32), kTime}},
    {43, 4, {octet(kCommandedValue), commanded(Kind::kI16), kTime}},
    {43, 5, {octet(kCommandedValue), commanded(Kind::kF32)}},
    {43, 6, {octet(kCommandedValue), commanded(Kind::kF64)}},
    {43, 7, {octet(kCommandedValue), commanded(Kind::kF32), kTime}},
    {43, 8, {octet(kCommandedValue), commanded(Kind::kF64), kTime}},
    {50, 1, {kTime}},
    {50, 2, {kTime, {Kind::kU32, point::kInterval}}},
    {50, 3, {kTime}},
    {50, 4, {kTime, {Kind::kU32, point::kIntervalCount}, {Kind::kU8, point::kIntervalUnits}}},
    {51, 1, {kTime}},
    {51, 2, {kTime}},
    {52, 1, {{Kind::kU16, point::kDelaySecs}}},
    {52, 2, {{Kind::kU16, point::kDelayMs}}},
    {70,
     4,
     {{Kind::kU32, point::kFileHandle},
      {Kind::kU32, point::kFileSize},
      {Kind::kU16, point::kMaximumBlockSize},
      {Kind::kU16, point::kRequestId},
      {Kind::kU8, point::kStatusCode},
      {Kind::kText, 0}}},
    {70,
     5,
     {{Kind::kU32, point::kFileHandle}, {Kind::kU32, point::kBlockNumber}, {Kind::kText, 0}}},
    {70,
     6,
     {{Kind::kU32, point::kFileHandle},
      {Kind::kU32, point::kBlockNumber},
      {Kind::kU8, point::kStatusCode},
      {Kind::kText, 0}}},
    {70, 8, {{Kind::kText, point::kFilename}}},
    {81, 1, {octet(kFill), {Kind::kU8, point::kGroup}, {Kind::kU8, point::kVariation}}},
};

const Layout* layout_of(uint8_t group, uint8_t variation) {
  for (const Layout& layout : kLayouts) {
    if (layout.group == group && layout.variation == variation) return &layout;
  }
  return nullptr;
}

// Points of one or two bits, several in an octet.
struct Packed {
  uint8_t group;
  uint8_t variation;
  uint8_t width;
  uint16_t field;
};
constexpr Packed kPacked[] = {{1, 1, 1, point::kState},
                              {3, 1, 2, point::kState},
                              {10, 1, 1, point::kState},
                              {12, 3, 1, point::kPoint},
                              {80, 1, 1, point::kState}};

struct Object {
  uint8_t group = 0;
  uint8_t variation = 0;
  uint8_t qualifier = 0;
  uint32_t start = 0;
  uint32_t stop = 0;
  uint32_t count = 0;

  uint8_t prefix_code() const { return qualifier >> 4 & 7; }
  uint8_t range_code() const { return qualifier & 0x0f; }
  // Codes 4 to 6 give the size of the object, 1 to 3 its index.
  bool prefix_is_size() const { return prefix_code() >= 4; }
  bool prefix_is_index() const { return prefix_code() >= 1 && prefix_code() <= 3; }
};

uint32_t number(size_t bytes, Reader* r) {
  return bytes == 1 ? r->u8() : bytes == 2 ? r->le16() : bytes == 4 ? r->le32() : 0;
}

// False for a reserved range code.
bool read_range(Object* object, Reader* r) {
  constexpr uint8_t kWidths[] = {1, 2, 4, 1, 2, 4};
  const uint8_t code = object->range_code();
  if (code <= 5) {
    object->start = number(kWidths[code], r);
    object->stop = number(kWidths[code], r);
    object->count = object->stop - object->start + 1;
    return object->stop >= object->start;
  }
  switch (code) {
    case 6:
      return true;
    case 7:
    case 11:
      object->count = r->u8();
      return true;
    case 8:
      object->count = r->le16();
      return true;
    case 9:
      object->count = r->le32();
      return true;
    default:
      return false;
  }
}

uint32_t read_prefix(const Object& object, Reader* r) {
  constexpr uint8_t kWidths[] = {0, 1, 2, 4, 1, 2, 4, 0};
  return number(kWidths[object.prefix_code()], r);
}

void put_octet(const BitField* bits, uint8_t octet, EventWriter* events) {
  for (unsigned at = 0; at < 8; at += bits->width, ++bits) {
    events->put(bits->field, octet >> at & ((1u << bits->width) - 1));
  }
}

uint64_t le48(Reader* r) {
  const uint64_t low = r->le32();
  return low | uint64_t{r->le16()} << 32;
}

void put_step(const Step& step, size_t text_bytes, Reader* r, EventWriter* events) {
  switch (step.kind) {
    case Kind::kEnd:
      break;
    case Kind::kOctet:
      put_octet(step.bits, r->u8(), events);
      break;
    case Kind::kU8:
      events->put(step.field, r->u8());
      break;
    case Kind::kU16:
    case Kind::kU32: {
      const uint32_t value = step.kind == Kind::kU16 ? r->le16() : r->le32();
      if (step.field == point::kDeadbandValue) {
        events->put_float(step.field, value);
      } else {
        events->put(step.field, value);
      }
      break;
    }
    case Kind::kU48:
      events->put(step.field, le48(r));
      break;
    case Kind::kI16:
      events->put_float(step.field, static_cast<int16_t>(r->le16()));
      break;
    case Kind::kI32:
      events->put_float(step.field, static_cast<int32_t>(r->le32()));
      break;
    case Kind::kF32:
      events->put_float(step.field, double{std::bit_cast<float>(r->le32())});
      break;
    case Kind::kF64:
      events->put_float(step.field, std::bit_cast<double>(r->le64()));
      break;
    case Kind::kText: {
      const Bytes text = r->take(text_bytes);
      if (step.field != 0) events->put_bytes(step.field, text);
      break;
    }
  }
}

void open_point(uint32_t prefix, uint32_t index, EventWriter* events) {
  events->open(ids::kPoints);
  events->put(point::kPrefix, prefix);
  events->put(point::kIndex, index);
}

void write_packed(const Packed& packed, const Object& object, Reader* r, EventWriter* events) {
  const uint32_t per_octet = 8u / packed.width;
  uint8_t octet = 0;
  for (uint32_t i = 0; i < object.count && r->ok(); ++i) {
    if (i % per_octet == 0) octet = r->u8();
    if (!r->ok()) return;
    open_point(0, object.start + i, events);
    events->put(packed.field, octet >> (i % per_octet * packed.width) & ((1u << packed.width) - 1));
    events->close();
  }
}

void write_points(const Layout& layout, const Object& object, Reader* r, EventWriter* events) {
  for (uint32_t i = 0; i < object.count && r->ok(); ++i) {
    const uint32_t prefix = read_prefix(object, r);
    const size_t end = r->offset() + prefix;
    const EventWriter::Mark before = events->mark();
    open_point(prefix, object.prefix_is_index() ? prefix : object.start + i, events);
    if (object.prefix_is_size()) events->put(point::kSize, prefix);
    for (const Step& step : layout.steps) {
      const size_t left = object.prefix_is_size() && end > r->offset() ? end - r->offset() : 0;
      put_step(step, left, r, events);
    }
    events->close();
    if (!r->ok()) events->rewind(before);
  }
}

// The points of an object; false when its layout is not known.
bool write_object_points(const Object& object, Reader* r, EventWriter* events) {
  for (const Packed& packed : kPacked) {
    if (packed.group == object.group && packed.variation == object.variation) {
      write_packed(packed, object, r, events);
      return true;
    }
  }
  const Layout* layout = layout_of(object.group, object.variation);
  if (layout == nullptr) return false;
  write_points(*layout, object, r, events);
  return true;
}

}  // namespace

bool write_dnp3_objects(Bytes objects, EventWriter* events, Dnp3ObjectFaults* faults) {
  Reader r(objects);
  uint32_t n_points = 0;
  for (size_t n = 0; n < kMaxObjects && !r.empty(); ++n) {
    Object object;
    object.group = r.u8();
    object.variation = r.u8();
    object.qualifier = r.u8();
    if (!read_range(&object, &r) || !r.ok()) return false;
    events->open(event::dnp3::application::kObjects);
    events->put(ids::kGroup, object.group);
    events->put(ids::kVariation, object.variation);
    events->put(ids::kQualifier, object.qualifier);
    events->put(ids::kPrefixCode, object.prefix_code());
    events->put(ids::kRangeCode, object.range_code());
    events->put(ids::kStart, object.start);
    events->put(ids::kStop, object.stop);
    events->put(ids::kCount, object.count);
    bool is_known = true;
    if (object.variation != 0 && object.count != 0 && !r.empty()) {
      faults->has_too_many_points = object.count > kMaxPoints - n_points;
      if (!faults->has_too_many_points) {
        n_points += object.count;
        is_known = write_object_points(object, &r, events);
      }
    }
    events->close();
    if (!is_known) faults->is_unknown_object = true;
    if (!is_known || faults->has_too_many_points) return true;
    if (!r.ok()) return false;
  }
  return true;
}

}  // namespace thymus::dpi
