// What is said of a connection: its streams, their files, settings and faults.
#include <algorithm>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/fileinfo.h"
#include "base/generated/events/http.h"
#include "dpi/http2/connection.h"
#include "dpi/identity.h"
#include "dpi/sbi.h"

namespace thymus::dpi::http2 {
namespace {

namespace code = anomaly_code;
namespace ids = event::http;

constexpr size_t kMostSettings = 16;  // in an event

constexpr std::string_view kErrorNames[] = {
    "NOERROR",      "PROTOCOLERROR",   "INTERNALERROR",      "FLOWCONTROLERROR", "SETTINGSTIMEOUT",
    "STREAMCLOSED", "FRAMESIZEERROR",  "REFUSEDSTREAM",      "CANCEL",           "COMPRESSIONERROR",
    "CONNECTERROR", "ENHANCEYOURCALM", "INADEQUATESECURITY", "HTTP11REQUIRED"};
constexpr std::string_view kSettingNames[] = {
    "SETTINGSHEADERTABLESIZE",   "SETTINGSENABLEPUSH",   "SETTINGSMAXCONCURRENTSTREAMS",
    "SETTINGSINITIALWINDOWSIZE", "SETTINGSMAXFRAMESIZE", "SETTINGSMAXHEADERLISTSIZE"};

std::string_view error_name(uint32_t code) {
  return code < std::size(kErrorNames) ? kErrorNames[code] : "UNKNOWN";
}

std::string_view setting_name(uint16_t id) {
  return id >= 1 && id <= std::size(kSettingNames) ? kSettingNames[id - 1] : "SETTINGSUNKNOWN";
}

}  // namespace

bool Session::may_write() {
  if (s_.n_events >= kMaxEvents) return false;
  ++s_.n_events;
  return true;
}

void Session::report(Fault fault) {
  static constexpr uint16_t kCodes[] = {code::kHttp2InvalidFrameLength,
                                        code::kHttp2InvalidFrameData,
                                        code::kHttp2LongFrameData,
                                        code::kHttp2HeaderIntegerOverflow,
                                        code::kHttp2InvalidHeader,
                                        code::kHttp2HeaderBomb,
                                        code::kHttp2ReassemblyLimitReached,
                                        code::kHttp2ContinuationFlood,
                                        code::kHttp2RapidReset,
                                        code::kHttp2TooManyStreams,
                                        code::kHttp2DataStreamZero,
                                        code::kHttp2AuthorityHostMismatch,
                                        code::kHttp2FailedDecompression};
  const auto index = static_cast<size_t>(fault);
  if ((s_.faults >> index & 1) != 0 || !may_write()) return;
  s_.faults |= 1u << index;
  write_anomaly(kCodes[index], context_.events);
}

void Session::put_fields(const FieldList& list, uint16_t field, bool is_service) {
  EventWriter* events = context_.events;
  each_field(fields_of(list), [&](std::string_view name, std::string_view value) {
    events->open(field);
    events->put_text(ids::request_headers::kName, name);
    if (is_service) {
      const RedactedText text = without_identities(value, *context_.options);
      events->put_text(ids::request_headers::kValue, text.view());
    } else {
      events->put_text(ids::request_headers::kValue, value);
    }
    events->close();
    return true;
  });
  if (list.is_cut) events->count_truncation();
}

void Session::put_common(const Stream& stream, bool is_service) {
  static_assert(ids::request_headers::kName == ids::response_headers::kName &&
                ids::request_headers::kValue == ids::response_headers::kValue);
  EventWriter* events = context_.events;
  const auto put = [events](uint16_t field, std::string_view text) {
    if (!text.empty()) events->put_text(field, text);
  };
  const auto put_target = [&](uint16_t field, std::string_view text) {
    put(field, is_service ? without_identities(text, *context_.options).view() : text);
  };
  if (stream.has_request) {
    const std::string_view authority = value_of(stream.request, ":authority");
    put(ids::kHostname, authority.empty() ? value_of(stream.request, "host") : authority);
    put_target(ids::kUrl, value_of(stream.request, ":path"));
    put(ids::kHttpUserAgent, value_of(stream.request, "user-agent"));
    put(ids::kHttpRefer, value_of(stream.request, "referer"));
    put(ids::kHttpMethod, value_of(stream.request, ":method"));
  }
  if (stream.has_response) {
    const std::string_view type = value_of(stream.response, "content-type");
    put(ids::kHttpContentType, type.substr(0, type.find(';')));
    const std::string_view status = value_of(stream.response, ":status");
    uint16_t number = 0;
    for (const char c : status.substr(0, 3)) {
      if (c >= '0' && c <= '9') number = static_cast<uint16_t>(number * 10 + (c - '0'));
    }
    if (number > 0) events->put(ids::kStatus, number);
    put_target(ids::kRedirect, value_of(stream.response, "location"));
  }
  events->put_text(ids::kVersion, "2");
  events->put(ids::kLength, stream.length);
}

void Session::write_stream(const Stream& stream) {
  if (!may_write()) return;
  EventWriter* events = context_.events;
  const Side client = s_.server_is_originator ? Side::kResponder : Side::kOriginator;
  events->begin(event::kHttp, client);
  const std::string_view target =
      stream.has_request ? value_of(stream.request, ":path") : std::string_view{};
  const bool is_service = is_service_target(target);
  put_common(stream, is_service);
  if (stream.has_request) put_fields(stream.request, ids::kRequestHeaders, is_service);
  if (stream.has_response) put_fields(stream.response, ids::kResponseHeaders, is_service);
  events->open(ids::kHttp2);
  events->put(ids::http2::kStreamId, stream.id);
  const bool by_client = stream.was_reset && is_client(stream.reset_side);
  if (stream.has_weight || by_client) {
    events->open(ids::http2::kRequest);
    if (stream.has_weight) events->put(ids::http2::request::kPriority, stream.weight);
    if (by_client) {
      events->put_text(ids::http2::request::kErrorCode, error_name(stream.error_code));
    }
    events->close();
  }
  if (stream.was_reset && !by_client) {
    events->open(ids::http2::kResponse);
    events->put_text(ids::http2::response::kErrorCode, error_name(stream.error_code));
    events->close();
  }
  events->close();
  events->put(ids::kTxId, stream.tx_id);
  write_service_call(target, &context_);
  events->end();
}

void Session::write_file(const Stream& stream, size_t side) {
  namespace in_file = event::fileinfo::http;
  static_assert(in_file::kHostname == ids::kHostname && in_file::kStatus == ids::kStatus &&
                in_file::kVersion == ids::kVersion && in_file::kLength == ids::kLength);
  if (!may_write()) return;
  EventWriter* events = context_.events;
  const std::string_view path = value_of(stream.request, ":path");
  const Side sender = side == 0 ? Side::kOriginator : Side::kResponder;
  const std::string_view name = path.substr(0, path.find('?'));
  const bool is_service = is_service_target(path);
  const RedactedText shown = without_identities(is_service ? name : "", *context_.options);
  begin_fileinfo(stream.files[side],
                 {AppId::kHttp2, is_service ? shown.view() : name, stream.tx_id, sender}, events);
  events->open(event::fileinfo::kHttp);
  put_common(stream, is_service);
  events->close();
  events->end();
}

// An event of the whole connection: of stream 0, by whoever said it.
void Session::begin_connection_event() {
  EventWriter* events = context_.events;
  events->begin(event::kHttp, s_.server_is_originator ? Side::kResponder : Side::kOriginator);
  events->put_text(ids::kVersion, "2");
  events->open(ids::kHttp2);
  events->put(ids::http2::kStreamId, 0);
  events->open(is_client(side_) ? ids::http2::kRequest : ids::http2::kResponse);
}

void Session::end_connection_event() {
  EventWriter* events = context_.events;
  events->close();
  events->close();
  events->put(ids::kTxId, c_->next_tx++);
  events->end();
}

void Session::write_settings(Bytes content) {
  if (content.empty() || !may_write()) return;
  EventWriter* events = context_.events;
  const bool by_client = is_client(side_);
  begin_connection_event();
  Reader r(content.first(std::min(content.size(), kMostSettings * kSettingBytes)));
  while (!r.empty()) {
    const uint16_t id = r.be16();
    const uint32_t value = r.be32();
    if (!r.ok()) break;
    events->open(by_client ? ids::http2::request::kSettings : ids::http2::response::kSettings);
    events->put_text(ids::http2::request::settings::kSettingsId, setting_name(id));
    events->put(ids::http2::request::settings::kSettingsValue, value);
    events->close();
  }
  end_connection_event();
}

void Session::write_goaway(uint32_t error_code) {
  if (!may_write()) return;
  begin_connection_event();
  context_.events->put_text(
      is_client(side_) ? ids::http2::request::kErrorCode : ids::http2::response::kErrorCode,
      error_name(error_code));
  end_connection_event();
}

}  // namespace thymus::dpi::http2
