#include "dpi/rdp/client_data.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/generated/events/rdp.h"
#include "base/text_builder.h"

namespace thymus::dpi {
namespace {

namespace ids = event::rdp;
namespace out = event::rdp::client;

constexpr uint16_t kCore = 0xc001, kNet = 0xc003;
constexpr int kMaxBlocks = 16;
constexpr uint32_t kMaxChannels = 31;  // [MS-RDPBCGR] 2.2.1.3.4
constexpr size_t kChannelNameBytes = 8;

struct Named {
  uint32_t value;
  std::string_view name;
};

template <size_t kCount>
std::string_view name_of(const Named (&names)[kCount], uint32_t value, std::string_view other) {
  for (const Named& named : names) {
    if (named.value == value) return named.name;
  }
  return other;
}

// [MS-RDPBCGR] 2.2.1.3.2.
constexpr Named kVersions[] = {{0x80001, "v4"},     {0x80004, "v5"},     {0x80005, "v10.0"},
                               {0x80006, "v10.1"},  {0x80007, "v10.2"},  {0x80008, "v10.3"},
                               {0x80009, "v10.4"},  {0x8000a, "v10.5"},  {0x8000b, "v10.6"},
                               {0x8000c, "v10.7"},  {0x8000d, "v10.8"},  {0x8000e, "v10.9"},
                               {0x8000f, "v10.10"}, {0x80010, "v10.11"}, {0x80011, "v10.12"}};
constexpr Named kKeyboards[] = {{1, "xt"},   {2, "ico"},  {3, "at"}, {4, "enhanced"},
                                {5, "1050"}, {6, "9140"}, {7, "jp"}};
constexpr Named kHints[] = {{1, "modem"},          {2, "low_broadband"}, {3, "satellite"},
                            {4, "high_broadband"}, {5, "wan"},           {6, "lan"},
                            {7, "autodetect"}};
// Bits of the early capability flags.
constexpr Named kCapabilities[] = {
    {0x001, "support_errinfo_pdf"},        {0x002, "want_32bpp_session"},
    {0x004, "support_statusinfo_pdu"},     {0x008, "strong_asymmetric_keys"},
    {0x020, "valid_connection_type"},      {0x040, "support_monitor_layout_pdu"},
    {0x080, "support_netchar_autodetect"}, {0x100, "support_dynvc_gfx_protocol"},
    {0x200, "support_dynamic_time_zone"},  {0x400, "support_heartbeat_pdu"}};
// Releases of Windows by their build number.
constexpr Named kBuilds[] = {
    {528, "Windows NT 3.1"},       {807, "Windows NT 3.5"},     {1057, "Windows NT 3.51"},
    {1381, "Windows NT 4.0"},      {2195, "Windows 2000"},      {2600, "Windows XP"},
    {3790, "Windows Server 2003"}, {6000, "Windows Vista RTM"}, {6001, "Windows Vista SP1"},
    {6002, "Windows Vista SP2"},   {7600, "Windows 7 RTM"},     {7601, "Windows 7 SP1"},
    {9200, "Windows 8"},           {9600, "Windows 8.1"},       {10240, "Windows 10 TH1"},
    {10586, "Windows 10 TH2"},     {14393, "Windows 10 RS1"},   {15063, "Windows 10 RS2"},
    {16299, "Windows 10 RS3"},     {17134, "Windows 10 RS4"},   {17763, "Windows 10 RS5"}};
// Usual keyboard layouts, as locale identifiers ([MS-LCID]).
constexpr Named kLayouts[] = {
    {0x0401, "ar-SA"}, {0x0402, "bg-BG"}, {0x0404, "zh-TW"}, {0x0405, "cs-CZ"}, {0x0406, "da-DK"},
    {0x0407, "de-DE"}, {0x0408, "el-GR"}, {0x0409, "en-US"}, {0x040b, "fi-FI"}, {0x040c, "fr-FR"},
    {0x040d, "he-IL"}, {0x040e, "hu-HU"}, {0x0410, "it-IT"}, {0x0411, "ja-JP"}, {0x0412, "ko-KR"},
    {0x0413, "nl-NL"}, {0x0414, "nb-NO"}, {0x0415, "pl-PL"}, {0x0416, "pt-BR"}, {0x0418, "ro-RO"},
    {0x0419, "ru-RU"}, {0x041a, "hr-HR"}, {0x041b, "sk-SK"}, {0x041d, "sv-SE"}, {0x041e, "th-TH"},
    {0x041f, "tr-TR"}, {0x0421, "id-ID"}, {0x0422, "uk-UA"}, {0x0424, "sl-SI"}, {0x0425, "et-EE"},
    {0x0426, "lv-LV"}, {0x0427, "lt-LT"}, {0x0429, "fa-IR"}, {0x042a, "vi-VN"}, {0x0439, "hi-IN"},
    {0x0804, "zh-CN"}, {0x0807, "de-CH"}, {0x0809, "en-GB"}, {0x080a, "es-MX"}, {0x080c, "fr-BE"},
    {0x0813, "nl-BE"}, {0x0816, "pt-PT"}, {0x0c04, "zh-HK"}, {0x0c07, "de-AT"}, {0x0c09, "en-AU"},
    {0x0c0a, "es-ES"}, {0x0c0c, "fr-CA"}, {0x1009, "en-CA"}, {0x100c, "fr-CH"}, {0x1409, "en-NZ"},
    {0x1809, "en-IE"}, {0x4009, "en-IN"}};

using Text = TextBuilder<128>;

// UTF-16 up to a zero.
Text utf16(Bytes bytes) {
  size_t n = 0;
  while (n + 2 <= bytes.size() && (bytes[n] | bytes[n + 1]) != 0) n += 2;
  Text text;
  text.add_utf16le(bytes.first(n));
  return text;
}

void put_filled(uint16_t field, std::string_view text, EventWriter* events) {
  if (!text.empty()) events->put_text(field, text);
}

void put_filled(uint16_t field, uint32_t value, EventWriter* events) {
  if (value != 0) events->put(field, value);
}

// Newer fields say the depth better than older ones.
uint32_t color_depth(uint16_t oldest, uint16_t post_beta2, uint16_t high) {
  constexpr uint32_t kDepths[] = {4, 8, 15, 16, 24};  // of 0xca00 and on
  if (high != 0) return high;
  for (const uint16_t code : {post_beta2, oldest}) {
    const size_t index = size_t{code} - 0xca00;
    if (index < std::size(kDepths)) return kDepths[index];
  }
  return 0;
}

// Fields behind the name of the input method are there as far as the block reaches.
void write_core(Reader r, EventWriter* events) {
  constexpr size_t kNameBytes = 32, kImeBytes = 64, kIdBytes = 64;
  events->open(ids::kClient);
  events->put_text(out::kVersion, name_of(kVersions, r.le32(), "unknown"));
  events->put(out::kDesktopWidth, r.le16());
  events->put(out::kDesktopHeight, r.le16());
  const uint16_t depth = r.le16();
  r.skip(2);  // secure attention sequence
  const uint32_t layout = r.le32();
  const uint32_t build = r.le32();
  const Text name = utf16(r.take_up_to(kNameBytes));
  const uint32_t keyboard = r.le32();
  const uint32_t subtype = r.le32();
  const uint32_t function_keys = r.le32();
  const Text ime = utf16(r.take_up_to(kImeBytes));
  const uint16_t post_beta2 = r.le16();
  const uint16_t product = r.le16();
  const uint32_t serial = r.le32();
  const uint16_t high = r.le16();
  r.skip(2);  // supported depths
  const uint16_t capabilities = r.le16();
  const Text id = utf16(r.take_up_to(kIdBytes));
  const uint8_t hint = r.u8();
  r.skip(1 + 4);  // padding, the protocol that the server chose
  put_filled(out::kColorDepth, color_depth(depth, post_beta2, high), events);
  events->put_text(out::kKeyboardLayout, name_of(kLayouts, layout, "unknown"));
  events->put_text(out::kBuild,
                   name_of(kBuilds, build, build > 17763 ? "Windows 10 or later" : "unknown"));
  put_filled(out::kClientName, name.view(), events);
  put_filled(out::kKeyboardType, name_of(kKeyboards, keyboard, ""), events);
  put_filled(out::kKeyboardSubtype, subtype, events);
  put_filled(out::kFunctionKeys, function_keys, events);
  put_filled(out::kIme, ime.view(), events);
  put_filled(out::kProductId, product, events);
  put_filled(out::kSerialNumber, serial, events);
  for (const Named& bit : kCapabilities) {
    if ((capabilities & bit.value) != 0) events->put_text(out::kCapabilities, bit.name);
  }
  put_filled(out::kId, id.view(), events);
  put_filled(out::kConnectionHint, name_of(kHints, hint, ""), events);
  put_filled(out::kPhysicalWidth, r.le32(), events);
  put_filled(out::kPhysicalHeight, r.le32(), events);
  put_filled(out::kDesktopOrientation, r.le16(), events);
  put_filled(out::kScaleFactor, r.le32(), events);
  put_filled(out::kDeviceScaleFactor, r.le32(), events);
  events->close();
}

void write_channels(Reader r, EventWriter* events) {
  const uint32_t n = std::min(r.le32(), kMaxChannels);
  for (uint32_t i = 0; i < n; ++i) {
    const std::string_view name = as_text(r.take(kChannelNameBytes));
    r.skip(4);  // options
    if (!r.ok()) return;
    events->put_text(ids::kChannels, name.substr(0, name.find('\0')));
  }
}

}  // namespace

void write_rdp_client(Bytes connect, EventWriter* events) {
  constexpr std::string_view kKey = "Duca";  // of user data that clients send (T.124)
  const size_t at = as_text(connect).find(kKey);
  if (at == std::string_view::npos) return;
  Reader r(connect);
  r.seek(at + kKey.size());
  r.skip((r.peek_u8() & 0x80) != 0 ? 2 : 1);  // length of what follows
  for (int n = 0; n < kMaxBlocks && !r.empty(); ++n) {
    const uint16_t type = r.le16();
    const uint16_t length = r.le16();
    if (!r.ok() || length < 4) return;
    const Reader block = r.sub(length - 4);
    if (type == kCore) write_core(block, events);
    if (type == kNet) write_channels(block, events);
  }
}

}  // namespace thymus::dpi
