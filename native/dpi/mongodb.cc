// The wire protocol of MongoDB (MongoDB specifications, OP_MSG), little-endian:
//
//   header:  | length of all, 4 | request, 4 | response to, 4 | opcode, 4 |
//   message 2013: | flags, 4 | kind 0 | document | ...; query 2004: | flags, 4 | collection 00 |
//     skip, 4 | return, 4 | document |; reply 1: | flags, 4 | cursor, 8 | 4 | 4 | document |
//   document: | length of all, 4 | elements { type, name 00, value } | 00 |
//
// The first element of a request is the command, its value the collection.
#include "base/generated/events/mongodb.h"

#include <algorithm>
#include <array>
#include <bit>

#include "dpi/frames.h"
#include "dpi/parser.h"
#include "dpi/seen_names.h"
#include "dpi/text.h"
#include "dpi/zero_ended.h"

namespace thymus::dpi {
namespace {

namespace ids = event::mongodb;

constexpr uint16_t kPorts[] = {27017};
constexpr size_t kHeaderBytes = 16, kMaxHeadBytes = 2048;
constexpr uint32_t kMaxMessageBytes = 64 << 20;  // servers take 48 MB
constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxElements = 128;
constexpr size_t kMaxTextBytes = 256;
enum Opcode : uint32_t { kReply = 1, kQuery = 2004, kCompressed = 2012, kMessage = 2013 };

struct State {
  FrameCursor cursor[2];
  SeenNames names;
  uint32_t n_events;
  bool is_sure;
};

bool is_opcode(uint32_t opcode) {
  return opcode == kReply || (opcode >= 2001 && opcode <= 2007) || opcode == 2010 ||
         opcode == 2011 || opcode == kCompressed || opcode == kMessage;
}

Frame measure(Bytes all) {
  Reader r(all);
  const uint32_t length = r.le32();
  r.skip(8);
  const uint32_t opcode = r.le32();
  if (!r.ok()) return {};
  const bool is_sound = length >= kHeaderBytes && length <= kMaxMessageBytes && is_opcode(opcode);
  return is_sound ? Frame::of(length, kMaxHeadBytes) : Frame::broken();
}

// One element of a document (bsonspec.org).
struct Element {
  uint8_t type = 0;
  std::string_view name;
  Bytes value;

  bool is_text() const { return type == 0x02; }
  std::string_view text() const {
    Reader r(value);
    const uint32_t size = r.le32();
    const std::string_view all = as_text(r.take_up_to(size > 0 ? size - 1 : 0));
    return all.substr(0, kMaxTextBytes);
  }
  // Of a number of any kind.
  bool is(int number) const {
    Reader r(value);
    if (type == 0x01) return std::bit_cast<double>(r.le64()) == number;
    if (type == 0x08) return r.u8() == number;
    return type == 0x12 ? r.le64() == static_cast<uint64_t>(number)
                        : r.le32() == static_cast<uint32_t>(number);
  }
};

// False at the end, and where the document is cut or has a type that is not known.
bool take_element(Reader* r, Element* out) {
  out->type = r->u8();
  if (!r->ok() || out->type == 0) return false;
  out->name = take_zero_ended(r);
  size_t bytes = 0;
  switch (out->type) {
    case 0x01:
    case 0x09:
    case 0x11:
    case 0x12:
      bytes = 8;
      break;
    case 0x02:
    case 0x0d:
    case 0x0e:
      bytes = 4 + size_t{Reader(r->rest()).le32()};
      break;
    case 0x03:
    case 0x04:
      bytes = Reader(r->rest()).le32();
      break;
    case 0x05:
      bytes = 5 + size_t{Reader(r->rest()).le32()};
      break;
    case 0x07:
      bytes = 12;
      break;
    case 0x08:
      bytes = 1;
      break;
    case 0x06:
    case 0x0a:
    case 0x7f:
    case 0xff:
      break;
    case 0x10:
      bytes = 4;
      break;
    case 0x13:
      bytes = 16;
      break;
    default:
      return false;
  }
  out->value = r->take_up_to(bytes);
  return r->ok();
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alpha(text[0]) && is_plain(text);
}

// hello { client: { application: { name } } }.
std::string_view application_of(Reader client) {
  Element element;
  client.skip(4);
  for (int n = 0; n < kMaxElements && take_element(&client, &element); ++n) {
    if (element.name != "application" || element.type != 0x03) continue;
    Reader application(element.value);
    application.skip(4);
    return take_element(&application, &element) && element.is_text() ? element.text()
                                                                     : std::string_view{};
  }
  return {};
}

void write_error(Reader document, State* state, EventWriter* events) {
  Element element;
  bool has_failed = false;
  uint32_t code = 0;
  std::string_view text;
  for (int n = 0; n < kMaxElements && take_element(&document, &element); ++n) {
    if (element.name == "ok") has_failed = element.is(0);
    if (element.name == "code" && element.type == 0x10) code = Reader(element.value).le32();
    if (element.name == "errmsg" && element.is_text()) text = element.text();
  }
  if (!has_failed) return;
  ++state->n_events;
  events->begin(event::kMongodb, Side::kOriginator);
  events->put(ids::kErrorCode, code);
  events->put_text(ids::kError, text);
  events->end();
}

void write_command(Reader document, std::string_view database, State* state, EventWriter* events) {
  Element first, element;
  if (!take_element(&document, &first) || !is_name(first.name)) return;
  std::string_view mechanism, application;
  for (int n = 0; n < kMaxElements && take_element(&document, &element); ++n) {
    if (element.name == "$db" && element.is_text()) database = element.text();
    if (element.name == "mechanism" && element.is_text()) mechanism = element.text();
    if (element.name == "client" && element.type == 0x03) {
      application = application_of(Reader(element.value));
    }
  }
  std::array<char, 64 + 1 + kMaxTextBytes> key;
  auto end = std::copy(first.name.begin(), first.name.end(), key.begin());
  *end++ = '\0';
  end = std::copy(database.begin(), database.end(), end);
  // Each login is shown, since many of them say that somebody guesses.
  const bool is_new = state->names.is_new({key.data(), static_cast<size_t>(end - key.begin())});
  if (!is_new && mechanism.empty()) return;
  ++state->n_events;
  events->begin(event::kMongodb, Side::kOriginator);
  events->put_text(ids::kCommand, first.name);
  if (first.is_text()) events->put_text(ids::kCollection, first.text());
  if (!database.empty()) events->put_text(ids::kDatabase, database);
  if (!mechanism.empty()) events->put_text(ids::kMechanism, mechanism);
  if (!application.empty()) events->put_text(ids::kApplication, application);
  events->end();
}

void on_message(Bytes head, State* state, EventWriter* events) {
  Reader r(head);
  r.skip(8);
  const bool is_response = r.le32() != 0;
  const uint32_t opcode = r.le32();
  std::string_view database;
  if (opcode == kMessage) {
    r.skip(4);
    if (r.u8() != 0) return;
  } else if (opcode == kQuery) {
    r.skip(4);
    const std::string_view collection = take_zero_ended(&r);
    database = collection.substr(0, collection.find('.')).substr(0, kMaxTextBytes);
    r.skip(8);
  } else if (opcode == kReply) {
    r.skip(20);
  } else {
    return;
  }
  r.skip(4);  // length of the document
  if (!r.ok()) return;
  if (is_response || opcode == kReply) return write_error(r, state, events);
  write_command(r, database, state, events);
}

Likelihood probe(const Segment& first) {
  const Frame frame = measure(first.data);
  if (frame.state != Frame::State::kKnown) return Likelihood::kNo;
  const bool on_port = first.has_port(kPorts[0]);
  if (frame.bytes != first.data.size()) return on_port ? Likelihood::kMaybe : Likelihood::kNo;
  Reader r(first.data);
  r.skip(12);
  const uint32_t opcode = r.le32();
  const bool is_telling = opcode == kQuery || opcode == kMessage || opcode == kCompressed;
  return is_telling ? Likelihood::kLikely : on_port ? Likelihood::kMaybe : Likelihood::kNo;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* own = static_cast<State*>(state);
  const int direction = segment.from_originator ? 0 : 1;
  const Framing framing = take_frames(&own->cursor[direction], context, direction, segment.data,
                                      measure, [&](Bytes head, const Frame&, size_t) {
                                        own->is_sure = true;
                                        on_message(head, own, context->events);
                                        return own->n_events < kMaxEvents;
                                      });
  if (framing == Framing::kBroken) return Answer::kReject;
  if (framing == Framing::kStopped) return Answer::kDone;
  return own->is_sure ? Answer::kAccept : Answer::kNeedMore;
}

bool on_gap(void* state, bool from_originator, Context* context) {
  const int direction = from_originator ? 0 : 1;
  static_cast<State*>(state)->cursor[direction].lose(direction, context);
  return true;
}

}  // namespace

extern const Parser kMongodb;

const Parser kMongodb{
    .app = AppId::kMongodb,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .ports = kPorts,
};

}  // namespace thymus::dpi
