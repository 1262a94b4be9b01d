// Lines "x=value": first of the session, then of each medium, which begins with "m=".
#include "dpi/sip/sdp.h"

#include "base/generated/events/sip.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::sip::sdp;
namespace media = event::sip::sdp::media_descriptions;

constexpr int kMaxLines = 256;

struct Line {
  char type = 0;
  std::string_view value;
};

// False at the end and at what is no such line.
bool take_line(std::string_view* body, Line* out) {
  if (body->size() < 2 || !is_alpha((*body)[0]) || (*body)[1] != '=') return false;
  const size_t lf = body->find('\n');
  std::string_view line = body->substr(0, lf);
  body->remove_prefix(lf == std::string_view::npos ? body->size() : lf + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  *out = {line[0], line.substr(2)};
  return true;
}

uint16_t session_field(char type) {
  switch (type) {
    case 'o':
      return ids::kOrigin;
    case 's':
      return ids::kSessionName;
    case 'i':
      return ids::kSessionInfo;
    case 'u':
      return ids::kUri;
    case 'e':
      return ids::kEmail;
    case 'p':
      return ids::kPhoneNumber;
    case 'c':
      return ids::kConnectionData;
    case 'b':
      return ids::kBandwidths;
    case 'z':
      return ids::kTimezone;
    case 'k':
      return ids::kEncryptionKey;
    case 'a':
      return ids::kAttributes;
    default:
      return 0;
  }
}

uint16_t media_field(char type) {
  switch (type) {
    case 'i':
      return media::kMediaInfo;
    case 'c':
      return media::kConnectionData;
    case 'b':
      return media::kBandwidths;
    case 'k':
      return media::kEncryptionKey;
    case 'a':
      return media::kAttributes;
    default:
      return 0;
  }
}

// "audio 49170 RTP/AVP 0 8". Null when it is no RTP, or one too many.
MediumPorts* note_port(std::string_view value, RtpPorts* out) {
  take_word(&value);
  uint64_t port = 0;
  if (!take_number(&value, UINT16_MAX, &port) || port == 0 || out->n == kMaxRtpPorts) {
    return nullptr;
  }
  take_word(&value);
  if (!value.starts_with("RTP/") && !value.starts_with("UDP/TLS/RTP/")) return nullptr;
  MediumPorts& ports = out->ports[out->n++];
  ports = {static_cast<uint16_t>(port), static_cast<uint16_t>(port + 1)};
  return &ports;
}

// "rtcp-mux", or "rtcp:53020" with or without an address behind it.
void note_rtcp(std::string_view attribute, MediumPorts* ports) {
  constexpr std::string_view kRtcp = "rtcp:";
  if (attribute == "rtcp-mux") ports->rtcp = 0;
  if (!attribute.starts_with(kRtcp)) return;
  attribute.remove_prefix(kRtcp.size());
  uint64_t port = 0;
  if (take_number(&attribute, UINT16_MAX, &port)) ports->rtcp = static_cast<uint16_t>(port);
}

}  // namespace

RtpPorts put_sdp(std::string_view body, EventWriter* events) {
  RtpPorts ports;
  if (!body.starts_with("v=0")) return ports;
  Line line;
  bool in_time = false;
  bool in_media = false;
  MediumPorts* medium = nullptr;
  events->open(event::sip::kSdp);
  for (int i = 0; i < kMaxLines && take_line(&body, &line); ++i) {
    if (in_time && line.type == 'r') {
      events->put_text(ids::time_descriptions::kRepeatTime, line.value);
      continue;
    }
    if (in_time) events->close();
    in_time = false;
    if (line.type == 'm') {
      if (in_media) events->close();
      in_media = true;
      events->open(ids::kMediaDescriptions);
      events->put_text(media::kMedia, line.value);
      medium = note_port(line.value, &ports);
    } else if (line.type == 't' && !in_media) {
      in_time = true;
      events->open(ids::kTimeDescriptions);
      events->put_text(ids::time_descriptions::kTime, line.value);
    } else {
      const uint16_t field = in_media ? media_field(line.type) : session_field(line.type);
      if (field != 0) events->put_text(field, line.value);
      if (line.type == 'a' && medium != nullptr) note_rtcp(line.value, medium);
    }
  }
  if (in_time || in_media) events->close();
  events->close();
  return ports;
}

}  // namespace thymus::dpi
