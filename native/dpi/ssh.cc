// SSH (RFC 4253): the banners of both sides and their offers of algorithms, and HASSH of these.
//
//   banner:  "SSH-" protocol version "-" software version [ " " comments ] [ CR ] LF
//   packet:  length (32) | padding length (8) | payload | padding
//   KEXINIT: 20 (8) | cookie (16 bytes) | ten lists of names { length (32), names by comma } | ...
//
// Buffers 0 and 1 hold what is not whole yet, 2 and 3 the four lists of a side that make a HASSH.
#include "base/generated/events/ssh.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/generated/anomaly_codes.h"
#include "base/hash.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace code = anomaly_code;
namespace field = event::ssh;

constexpr uint16_t kPorts[] = {22, 2222};
constexpr std::string_view kFirstBytes = "S";
constexpr std::string_view kMagic = "SSH-";
constexpr size_t kMaxBannerBytes = 1024;  // RFC 4253, 4.2, says 255; what is longer is cut
constexpr size_t kMaxPacketBytes = 35000;
constexpr size_t kMaxHasshBytes = 8192;
constexpr uint8_t kKexInit = 20;
constexpr uint8_t kNewKeys = 21;

// A version, cut to what is shown.
struct Text {
  uint8_t size;
  std::array<char, 255> bytes;
  void set(std::string_view text) {
    size = static_cast<uint8_t>(std::min(text.size(), bytes.size()));
    std::copy_n(text.begin(), size, bytes.begin());
  }
  std::string_view view() const { return {bytes.data(), size}; }
};

struct SidePart {
  Text protocol;
  Text software;
  uint32_t skip_bytes;  // of a packet that nobody needs
  bool has_banner;
  bool is_over;  // everything after it is encrypted, or not known
  bool has_offer;
  Md5::Value hassh;
};

struct State {
  SidePart sides[2];  // originator's, responder's
  bool is_written;
  bool has_long_banner;
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

Likelihood probe(const Segment& first) {
  const std::string_view text = as_text(first.data);
  if (text.size() < kMagic.size() + 1 || !text.starts_with(kMagic)) return Likelihood::kNo;
  return text[4] >= '1' && text[4] <= '9' ? Likelihood::kLikely : Likelihood::kNo;
}

// Names of HASSH fields: key exchange, encryption, MAC, compression of what the side sends.
// False when KEXINIT is cut.
bool read_offer(Bytes payload, bool from_client, std::array<Bytes, 4>* lists) {
  constexpr size_t kCookieBytes = 16;
  constexpr size_t kLists = 8;
  Reader r(payload);
  r.skip(1 + kCookieBytes);
  std::array<Bytes, kLists> all;
  for (Bytes& list : all) list = r.take(r.be32());
  // In the order of RFC 4253, 7.1, client to server before server to client.
  const size_t of_side = from_client ? 0 : 1;
  *lists = {all[0], all[2 + of_side], all[4 + of_side], all[6 + of_side]};
  return r.ok();
}

class Session {
 public:
  Session(State* state, bool from_originator, Context* context)
      : state_(*state), from_originator_(from_originator), context_(*context) {}

  bool on_stream(Bytes data);
  void write_event();

 private:
  int side_index() const { return from_originator_ ? 0 : 1; }
  SidePart& side() { return state_.sides[side_index()]; }
  // As take_messages wants them; SIZE_MAX when it is no SSH.
  size_t take(Bytes all) { return side().has_banner ? take_packet(all) : take_banner(all); }
  size_t take_banner(Bytes all);
  size_t take_packet(Bytes all);
  void on_offer(Bytes payload);
  void write_side(int index, uint16_t object);

  State& state_;
  bool from_originator_;
  Context& context_;
};

bool Session::on_stream(Bytes data) {
  SidePart& s = side();
  if (s.is_over) return true;
  Reader r(data);
  const Bytes skipped = r.take_up_to(s.skip_bytes);
  s.skip_bytes = static_cast<uint32_t>(s.skip_bytes - skipped.size());
  if (r.empty()) return true;
  bool is_mine = true;
  const bool kept = take_messages(&context_, side_index(), r.rest(), [&](Bytes all) -> size_t {
    const size_t n = take(all);
    is_mine = is_mine && n != SIZE_MAX;
    return is_mine ? n : 0;
  });
  if (state_.sides[0].has_offer && state_.sides[1].has_offer) write_event();
  return kept && is_mine;
}

size_t Session::take_banner(Bytes all) {
  SidePart& s = side();
  const std::string_view text = as_text(all);
  const std::string_view start = text.substr(0, kMagic.size());
  if (start != kMagic.substr(0, start.size())) return SIZE_MAX;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos && text.size() < kMaxBannerBytes) return 0;
  const bool is_cut = end == std::string_view::npos;
  if (is_cut || end > 255) {
    if (!state_.has_long_banner) write_anomaly(code::kSshLongBanner, context_.events);
    state_.has_long_banner = true;
  }
  std::string_view line = text.substr(kMagic.size(), end - kMagic.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t dash = line.find('-');
  if (dash == std::string_view::npos) {
    write_anomaly(code::kSshInvalidBanner, context_.events);
    return SIZE_MAX;
  }
  s.protocol.set(line.substr(0, dash));
  const std::string_view software = line.substr(dash + 1);
  s.software.set(software.substr(0, software.find_first_of(" \r\t")));
  s.has_banner = true;
  s.is_over = is_cut;
  return is_cut ? all.size() : end + 1;
}

size_t Session::take_packet(Bytes all) {
  SidePart& s = side();
  if (s.is_over) return all.size();
  Reader r(all);
  const size_t length = r.be32();
  const size_t padding = r.u8();
  const uint8_t type = r.u8();
  if (!r.ok()) return 0;
  // Of version 1 the packets differ; what is too long is no packet, or encrypted.
  if (length < 2 || length > kMaxPacketBytes || padding + 2 > length || type == kNewKeys) {
    if (type != kNewKeys && !s.has_offer && s.protocol.view() == "2.0") {
      write_anomaly(code::kSshInvalidRecord, context_.events);
    }
    s.is_over = true;
    return all.size();
  }
  if (type != kKexInit) {
    s.skip_bytes = static_cast<uint32_t>(4 + length);
    const size_t here = std::min<size_t>(s.skip_bytes, all.size());
    s.skip_bytes -= static_cast<uint32_t>(here);
    return here;
  }
  if (all.size() < 4 + length) return 0;
  on_offer(all.subspan(5, length - 1 - padding));
  return 4 + length;
}

void Session::on_offer(Bytes payload) {
  SidePart& s = side();
  std::array<Bytes, 4> lists;
  if (s.has_offer) return;
  if (!read_offer(payload, from_originator_, &lists)) {
    write_anomaly(code::kSshInvalidRecord, context_.events);
    return;
  }
  s.has_offer = true;
  constexpr uint8_t kSemicolon[] = {';'};
  Md5 md5;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i > 0) md5.update(kSemicolon);
    md5.update(lists[i]);
    const int buffer = 2 + side_index();
    if (context_.buffers->view(buffer).size() + lists[i].size() > kMaxHasshBytes) continue;
    if (i > 0) context_.buffers->append(buffer, kSemicolon);
    context_.buffers->append(buffer, lists[i]);
  }
  s.hassh = md5.value();
  if (from_originator_) {
    context_.facts.client_fingerprint = siphash24(s.hassh, kReplayHashKey);
  }
}

void Session::write_side(int index, uint16_t object) {
  namespace part = field::client;  // the server's fields have the same numbers
  EventWriter* events = context_.events;
  const SidePart& s = state_.sides[index];
  if (!s.has_banner) return;
  events->open(object);
  events->put_text(part::kProtoVersion, s.protocol.view());
  if (s.software.size > 0) events->put_text(part::kSoftwareVersion, s.software.view());
  if (s.has_offer) {
    const auto digits = hex_of(s.hassh);
    events->open(part::kHassh);
    events->put_text(part::hassh::kHash, {digits.data(), digits.size()});
    events->put_bytes(part::hassh::kString, context_.buffers->view(2 + index));
    events->close();
  }
  events->close();
}
static_assert(field::client::kHassh == field::server::kHassh);

void Session::write_event() {
  if (state_.is_written) return;
  state_.is_written = true;
  context_.events->begin(event::kSsh, Side::kOriginator);
  write_side(0, field::kClient);
  write_side(1, field::kServer);
  context_.events->end();
}

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* ssh = static_cast<State*>(state);
  Session session(ssh, segment.from_originator, context);
  const bool was_known = ssh->sides[0].has_banner || ssh->sides[1].has_banner;
  if (!session.on_stream(segment.data)) {
    if (was_known) session.write_event();
    return Answer::kReject;
  }
  const bool is_over = ssh->is_written || (ssh->sides[0].is_over && ssh->sides[1].is_over);
  if (is_over) {
    session.write_event();
    return Answer::kDone;
  }
  return ssh->sides[0].has_banner || ssh->sides[1].has_banner ? Answer::kAccept : Answer::kNeedMore;
}

// What follows a hole cannot be framed again.
bool on_gap(void* state, bool from_originator, Context* context) {
  auto* ssh = static_cast<State*>(state);
  ssh->sides[from_originator ? 0 : 1].is_over = true;
  context->buffers->clear(from_originator ? 0 : 1);
  return true;
}

void on_end(void* state, Context* context) {
  auto* ssh = static_cast<State*>(state);
  if (ssh->sides[0].has_banner || ssh->sides[1].has_banner) {
    Session(ssh, true, context).write_event();
  }
}

}  // namespace

extern const Parser kSsh;

const Parser kSsh{
    .app = AppId::kSsh,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = kFirstBytes,
    .ports = kPorts,
};

}  // namespace thymus::dpi
