// Events of one exchange.
#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/fileinfo.h"
#include "base/generated/events/http.h"
#include "dpi/http/exchange.h"
#include "dpi/http/fields.h"
#include "dpi/identity.h"
#include "dpi/sbi.h"
#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

namespace code = anomaly_code;

std::string_view file_name(const Head& request, const Head* response) {
  if (response != nullptr) {
    const auto name = parameter_of(response->content_disposition, "filename");
    if (!name.empty()) return name;
  }
  return path_of(request.target);
}

}  // namespace

Side Exchange::side_of(const Stream& stream) const {
  const bool is_originator = (&stream == &s_.client) != s_.server_is_originator;
  return is_originator ? Side::kOriginator : Side::kResponder;
}

bool Exchange::may_write() {
  if (s_.n_events >= kMaxEvents) return false;
  ++s_.n_events;
  return true;
}

void Exchange::write_transaction(const Waiting& request, const Head* response, uint64_t length) {
  if (!may_write()) return;
  EventWriter* events = context_.events;
  events->begin(event::kHttp, side_of(s_.client));
  const Head head = parse_head(request.head, true);
  put_fields({request.was_seen ? &head : nullptr, response, length}, &context_);
  events->put(event::http::kTxId, request.tx_id);
  if (request.was_seen) write_service_call(head.target, &context_);
  events->end();
}

void Exchange::write_file(const Stream& stream) {
  if (!may_write()) return;
  const bool from_client = &stream == &s_.client;
  const Waiting waits = waiting(from_client ? s_.last_request : 0);
  const Head request = parse_head(waits.head, true);
  const Head response = parse_head(response_head(), false);
  const bool has_response = s_.server.head_bytes > 0;
  const Head* answer = has_response && !from_client ? &response : nullptr;
  EventWriter* events = context_.events;
  std::string_view name = file_name(request, answer);
  RedactedText redacted;
  if (is_service_target(request.target)) {
    redacted = without_identities(name, *context_.options);
    name = redacted.view();
  }
  begin_fileinfo(stream.file, {AppId::kHttp, name, waits.tx_id, side_of(stream)}, events);
  if (answer != nullptr) {
    const ContentRange range = content_range_of(answer->content_range);
    if (range.is_valid) {
      events->put(event::fileinfo::kStart, range.first);
      events->put(event::fileinfo::kEnd, range.last);
    }
  }
  events->open(event::fileinfo::kHttp);
  put_fields({waits.was_seen ? &request : nullptr, answer,
              from_client ? uint64_t{0} : stream.body.wire_bytes()},
             &context_);
  events->close();
  events->end();
}

void Exchange::write_fault(uint16_t anomaly) {
  if (may_write()) write_anomaly(anomaly, context_.events);
}

// Said of the client, whoever sent the packet with which it is said.
void Exchange::write_client_fault(uint16_t anomaly, uint32_t tx_id) {
  if (may_write()) write_tx_anomaly(anomaly, tx_id, side_of(s_.client), context_.events);
}

void Exchange::write_lookups(const JndiLookups& lookups) {
  if (lookups.empty() || !may_write()) return;
  EventWriter* events = context_.events;
  events->begin(event::kAnomaly, side_of(s_.client));
  events->put(event::anomaly::kCode, code::kHttpJndiLookup);
  events->put(event::anomaly::kTxId, s_.next_tx - 1);
  for (const uint32_t key : lookups) events->put(event::anomaly::kLookups, key);
  events->end();
}

void Exchange::write_faults(const Head& head) {
  struct Code {
    uint16_t fault;
    uint16_t request;
    uint16_t response;
  };
  static constexpr Code kCodes[] = {
      {kMissingColon, code::kHttpRequestFieldMissingColon, code::kHttpResponseFieldMissingColon},
      {kInvalidFolding, code::kHttpInvalidRequestFieldFolding,
       code::kHttpInvalidResponseFieldFolding},
      {kInvalidLength, code::kHttpInvalidContentLengthFieldInRequest,
       code::kHttpInvalidContentLengthFieldInResponse},
      {kDuplicateLength, code::kHttpDuplicateContentLengthFieldInRequest,
       code::kHttpDuplicateContentLengthFieldInResponse},
      {kInvalidTransferCoding, code::kHttpInvalidTransferEncodingValueInRequest,
       code::kHttpInvalidTransferEncodingValueInResponse},
      {kMissingHost, code::kHttpMissingHostHeader, 0},
      {kAmbiguousHost, code::kHttpHostHeaderAmbiguous, 0},
      {kInvalidPort, code::kHttpInvalidServerPortInRequest, 0},
  };
  if (head.faults == 0) return;
  for (const Code& c : kCodes) {
    if (head.faults & c.fault) write_fault(head.is_request ? c.request : c.response);
  }
}

}  // namespace thymus::dpi::http
