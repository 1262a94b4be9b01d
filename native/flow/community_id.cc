#include "flow/community_id.h"

#include <utility>

#include "base/digest.h"
#include "decode/packet_view.h"

namespace thymus::flow {
namespace {

namespace ip = decode::ip_protocol;

void base64(Bytes in, char* out) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t i = 0;
  for (; i + 3 <= in.size(); i += 3) {
    const uint32_t v =
        static_cast<uint32_t>(in[i]) << 16 | static_cast<uint32_t>(in[i + 1]) << 8 | in[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kDigits[v >> shift & 63];
  }
  if (in.size() - i == 2) {
    const uint32_t v = static_cast<uint32_t>(in[i]) << 16 | static_cast<uint32_t>(in[i + 1]) << 8;
    *out++ = kDigits[v >> 18 & 63];
    *out++ = kDigits[v >> 12 & 63];
    *out++ = kDigits[v >> 6 & 63];
    *out++ = '=';
  }
}

bool has_ports(uint8_t protocol) {
  return protocol == ip::kTcp || protocol == ip::kUdp || protocol == ip::kSctp ||
         protocol == ip::kIcmp || protocol == ip::kIcmpV6;
}

}  // namespace

int icmp_counterpart(uint8_t protocol, uint8_t type) {
  if (protocol == ip::kIcmp) {
    switch (type) {
      case 0:
        return 8;  // echo
      case 8:
        return 0;
      case 9:
        return 10;  // router advertisement, solicitation
      case 10:
        return 9;
      case 13:
        return 14;  // timestamp
      case 14:
        return 13;
      case 15:
        return 16;  // information
      case 16:
        return 15;
      case 17:
        return 18;  // address mask
      case 18:
        return 17;
      default:
        return -1;
    }
  }
  switch (type) {
    case 128:
      return 129;  // echo
    case 129:
      return 128;
    case 130:
      return 131;  // multicast listener
    case 131:
      return 130;
    case 133:
      return 134;  // router solicitation
    case 134:
      return 133;
    case 135:
      return 136;  // neighbour solicitation
    case 136:
      return 135;
    case 139:
      return 140;  // node information
    case 140:
      return 139;
    case 144:
      return 145;  // home agent discovery
    case 145:
      return 144;
    default:
      return -1;
  }
}

void community_id(uint8_t protocol, const IpAddress& source, const IpAddress& destination,
                  uint16_t source_port, uint16_t destination_port, uint16_t seed, char* out) {
  IpAddress a = source;
  IpAddress b = destination;
  uint16_t port_a = source_port;
  uint16_t port_b = destination_port;
  bool one_way = false;
  if (protocol == ip::kIcmp || protocol == ip::kIcmpV6) {
    const int other = icmp_counterpart(protocol, static_cast<uint8_t>(source_port));
    if (other >= 0) {
      port_b = static_cast<uint16_t>(other);
    } else {
      one_way = true;
    }
  }
  const auto order = a <=> b;
  if (!one_way && (order > 0 || (order == 0 && port_a > port_b))) {
    std::swap(a, b);
    std::swap(port_a, port_b);
  }
  uint8_t message[2 + 32 + 2 + 4];
  uint8_t* p = message;
  const auto put16 = [&p](uint16_t v) {
    *p++ = static_cast<uint8_t>(v >> 8);
    *p++ = static_cast<uint8_t>(v);
  };
  const bool v4 = a.is_v4() && b.is_v4();
  const size_t width = v4 ? 4 : 16;
  put16(seed);
  for (const IpAddress* address : {&a, &b}) {
    std::memcpy(p, address->bytes.data() + 16 - width, width);
    p += width;
  }
  *p++ = protocol;
  *p++ = 0;
  if (has_ports(protocol)) {
    put16(port_a);
    put16(port_b);
  }
  out[0] = '1';
  out[1] = ':';
  const auto digest = Sha1::of({message, static_cast<size_t>(p - message)});
  base64(digest, out + 2);
}

}  // namespace thymus::flow
