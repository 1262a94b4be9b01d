// The DHT of BitTorrent over UDP (BEP 5, BEP 32). A message is one bencoded dictionary (BEP 3):
// "d" key value ... "e" with keys as strings; "4:spam" a string, "i42e" a number, "l" ... "e" a
// list.
#include "base/generated/events/bittorrent_dht.h"

#include <algorithm>

#include "base/generated/anomaly_codes.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::bittorrent_dht;

constexpr uint32_t kMaxEvents = 20'000;
constexpr int kMaxDepth = 8;
constexpr int kMaxListed = 64;
constexpr size_t kIdBytes = 20;

struct State {
  uint32_t n_events;
};

bool read_number(Reader* r, char end, uint64_t* out) {
  *out = 0;
  for (int n = 0; n < 19; ++n) {
    const char c = static_cast<char>(r->u8());
    if (c == end) return n > 0 && r->ok();
    if (!is_digit(c)) return r->fail();
    *out = *out * 10 + static_cast<uint64_t>(c - '0');
  }
  return r->fail();
}

bool read_string(Reader* r, Bytes* out) {
  uint64_t size = 0;
  if (!read_number(r, ':', &size) || size > r->remaining()) return r->fail();
  *out = r->take(size);
  return r->ok();
}

// Moves past one value, whatever it is; at most kMaxDepth lists and dictionaries deep.
bool skip_value(Reader* r) {
  int depth = 0;
  do {
    const char c = static_cast<char>(r->peek_u8());
    Bytes text;
    uint64_t number = 0;
    if (c == 'l' || c == 'd') {
      r->skip(1);
      if (++depth > kMaxDepth) return r->fail();
    } else if (c == 'e' && depth > 0) {
      r->skip(1);
      --depth;
    } else if (c == 'i') {
      r->skip(1);
      if (r->peek_u8() == '-') r->skip(1);
      if (!read_number(r, 'e', &number)) return false;
    } else if (!read_string(r, &text)) {
      return false;
    }
  } while (depth > 0 && r->ok());
  return r->ok();
}

// Calls `visit(key, value)` for the members of the dictionary at the cursor, where `value` is a
// reader over what is behind the key; then moves past it. False when it breaks the format.
template <typename Visit>
bool each_member(Reader* r, Visit&& visit) {
  if (r->u8() != 'd') return r->fail();
  while (r->peek_u8() != 'e') {
    Bytes key;
    if (!read_string(r, &key)) return false;
    const Reader value = *r;
    const size_t begin = r->offset();
    if (!skip_value(r)) return false;
    visit(as_text(key), Reader(value).sub(r->offset() - begin));
  }
  return r->skip(1);
}

void put_string(uint16_t field, Reader value, EventWriter* events) {
  Bytes text;
  if (read_string(&value, &text)) events->put_bytes(field, text);
}

void put_number(uint16_t field, Reader value, EventWriter* events) {
  uint64_t number = 0;
  if (value.u8() == 'i' && read_number(&value, 'e', &number)) events->put(field, number);
}

struct PeerFields {
  uint16_t list;
  uint16_t ip;
  uint16_t port;
};

void put_peer(const PeerFields& fields, Reader* r, bool is_v6, EventWriter* events) {
  IpAddress ip{};
  if (!is_v6) ip.bytes[10] = ip.bytes[11] = 0xff;
  const Bytes address = r->take(is_v6 ? 16 : 4);
  std::copy(address.begin(), address.end(), ip.bytes.begin() + (is_v6 ? 0 : 12));
  events->put_ip(fields.ip, ip);
  events->put(fields.port, r->be16());
}

void put_nodes(const PeerFields& fields, Reader value, bool is_v6, EventWriter* events) {
  static_assert(ids::response::nodes::kId == ids::response::nodes6::kId);
  const size_t node_bytes = kIdBytes + (is_v6 ? 18 : 6);
  Bytes nodes;
  if (!read_string(&value, &nodes)) return;
  Reader r(nodes);
  for (int n = 0; n < kMaxListed && r.remaining() >= node_bytes; ++n) {
    events->open(fields.list);
    events->put_bytes(ids::response::nodes::kId, r.take(kIdBytes));
    put_peer(fields, &r, is_v6, events);
    events->close();
  }
}

void put_values(Reader list, EventWriter* events) {
  namespace v = ids::response::values;
  if (list.u8() != 'l') return;
  for (int n = 0; n < kMaxListed && list.peek_u8() != 'e'; ++n) {
    Bytes peer;
    if (!read_string(&list, &peer)) return;
    if (peer.size() != 6 && peer.size() != 18) continue;
    Reader r(peer);
    events->open(ids::response::kValues);
    put_peer({0, v::kIp, v::kPort}, &r, peer.size() == 18, events);
    events->close();
  }
}

void put_request(Reader arguments, EventWriter* events) {
  namespace f = ids::request;
  events->open(ids::kRequest);
  each_member(&arguments, [events](std::string_view key, Reader value) {
    if (key == "id") put_string(f::kId, value, events);
    if (key == "target") put_string(f::kTarget, value, events);
    if (key == "info_hash") put_string(f::kInfoHash, value, events);
    if (key == "token") put_string(f::kToken, value, events);
    if (key == "implied_port") put_number(f::kImpliedPort, value, events);
    if (key == "port") put_number(f::kPort, value, events);
  });
  events->close();
}

void put_response(Reader values, EventWriter* events) {
  namespace f = ids::response;
  events->open(ids::kResponse);
  each_member(&values, [events](std::string_view key, Reader value) {
    if (key == "id") put_string(f::kId, value, events);
    if (key == "token") put_string(f::kToken, value, events);
    if (key == "nodes")
      put_nodes({f::kNodes, f::nodes::kIp, f::nodes::kPort}, value, false, events);
    if (key == "nodes6") {
      put_nodes({f::kNodes6, f::nodes6::kIp, f::nodes6::kPort}, value, true, events);
    }
    if (key == "values") put_values(value, events);
  });
  events->close();
}

void put_error(Reader list, EventWriter* events) {
  if (list.u8() != 'l') return;
  events->open(ids::kError);
  put_number(ids::error::kNum, list, events);
  skip_value(&list);
  put_string(ids::error::kMsg, list, events);
  events->close();
}

// Whether it is a dictionary of the DHT as far as a glance tells: its first key, and "y" in it.
Likelihood probe(const Segment& first) {
  const std::string_view text = as_text(Reader(first.data).take_up_to(1500));
  const bool begins = text.starts_with("d1:ad2:id20:") || text.starts_with("d1:rd2:id20:") ||
                      text.starts_with("d2:ip") || text.starts_with("d1:eli") ||
                      text.starts_with("d1:ad");
  if (!begins) return Likelihood::kNo;
  return text.find("1:y1:") != std::string_view::npos ? Likelihood::kLikely : Likelihood::kMaybe;
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* dht = static_cast<State*>(state);
  EventWriter* events = context->events;
  if (probe(segment) == Likelihood::kNo)
    return dht->n_events > 0 ? Answer::kAccept : Answer::kReject;
  if (++dht->n_events > kMaxEvents) return Answer::kDone;
  events->begin(event::kBittorrentDht);
  Reader r(segment.data);
  bool has_content = false;
  bool has_transaction = false;
  const bool is_whole = each_member(&r, [&](std::string_view key, Reader value) {
    if (key == "q") put_string(ids::kRequestType, value, events);
    if (key == "a") put_request(value, events);
    if (key == "r") put_response(value, events);
    if (key == "e") put_error(value, events);
    if (key == "v") put_string(ids::kClientVersion, value, events);
    has_content = has_content || key == "a" || key == "r" || key == "e";
    if (key == "t") {
      Bytes id;
      has_transaction = read_string(&value, &id);
      events->put_bytes(ids::kTransactionId, id);
    }
  });
  if (!has_transaction) events->put_text(ids::kTransactionId, "");
  if (has_content) events->end();
  const bool is_cut = !is_whole && segment.cut_bytes > 0;
  if ((!is_whole || !has_transaction || !has_content) && !is_cut) {
    write_tx_anomaly(anomaly_code::kDhtMalformedPacket, dht->n_events - 1, Side::kPacket, events);
  }
  return Answer::kAccept;
}

}  // namespace

extern const Parser kDht;

const Parser kDht{
    .app = AppId::kBittorrentDht,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = true,
    .probe = probe,
    .on_data = on_data,
    .first_bytes = "d",
};

}  // namespace thymus::dpi
