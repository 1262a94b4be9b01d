#include "dpi/http/exchange.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/fileinfo.h"
#include "base/generated/events/http.h"
#include "dpi/http/content_decoder.h"
#include "dpi/http/fields.h"
#include "dpi/identity.h"
#include "dpi/sbi.h"
#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

namespace code = anomaly_code;

enum : int { kRequestHead, kResponseHead, kWaitingRequests };

constexpr uint16_t kMaxOpen = 256;
constexpr uint32_t kMaxEvents = 20'000;
constexpr size_t kMaxKeptRequestBytes = 8 * 1024;  // longer heads are kept cut
// How far a response is looked for behind lines that are none.
constexpr size_t kMaxJunkBytes = 256;

// Before each waiting request in its buffer.
struct RequestMark {
  uint32_t head_bytes;
  uint32_t tx_id;
  uint32_t was_seen;
};

bool is_filler(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == 0; }

Bytes without_filler(Bytes data) {
  size_t n = 0;
  while (n < data.size() && is_filler(data[n])) ++n;
  return data.subspan(n);
}

// Where a later line begins a response, within the first bytes; data.size() when none does.
size_t find_response(Bytes data) {
  const size_t end = std::min(data.size(), kMaxJunkBytes);
  for (size_t i = 0; i + 5 < end; ++i) {
    if (data[i] == '\n' && data.size() - i > 4 && may_begin_response(data.subspan(i + 1))) {
      return i + 1;
    }
  }
  return data.size();
}

bool forbids_body(const Head& request, uint16_t status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304 ||
         request.method == "HEAD";
}

std::string_view file_name(const Head& request, const Head* response) {
  if (response != nullptr) {
    const auto name = parameter_of(response->content_disposition, "filename");
    if (!name.empty()) return name;
  }
  return path_of(request.target);
}

}  // namespace

Answer Exchange::on_data(const Segment& segment) {
  const bool from_client = segment.from_originator != s_.server_is_originator;
  if (!s_.is_http && s_.client.phase == Phase::kHead && from_client &&
      context_.buffers->view(kRequestHead).empty() && segment.data.size() >= 4 &&
      may_begin_response(segment.data)) {
    s_.server_is_originator = segment.from_originator;
    return on_data(segment);
  }
  Stream& stream = from_client ? s_.client : s_.server;
  if (stream.after_gap) skip_gap(segment.seq, from_client);
  stream.next_seq = segment.seq + static_cast<uint32_t>(segment.data.size());
  if (from_client) {
    on_client(segment.data);
  } else {
    on_server(segment.data);
  }
  if (changed_) {
    context_.next_bytes = n_left_;
    return Answer::kHandOver;
  }
  if (stream.phase == Phase::kHead && !s_.is_http) {
    s_.is_http =
        surely_begins_message(context_.buffers->view(from_client ? kRequestHead : kResponseHead));
  }
  if (s_.is_http) return s_.n_events < kMaxEvents ? Answer::kAccept : Answer::kDone;
  return stream.phase == Phase::kLost ? Answer::kReject : Answer::kNeedMore;
}

// ---- heads

// Takes the next head off `data`. It lies in `data` or, when it came in pieces, in the buffer.
Exchange::Found Exchange::gather(int buffer, bool is_request, Stream* stream, Bytes* data,
                                 Bytes* head) {
  const size_t kept = context_.buffers->view(buffer).size();
  Bytes all = *data;
  if (kept > 0) {
    const size_t room = kMaxHeadBytes - std::min(kMaxHeadBytes, kept);
    if (!context_.buffers->append(buffer, Reader(*data).take_up_to(room))) return Found::kNothing;
    all = context_.buffers->view(buffer);
  }
  const size_t end =
      find_head_end(all.first(std::min(all.size(), kMaxHeadBytes)), is_request, &stream->scan);
  if (end > 0) {
    *head = all.first(end);
    *data = data->subspan(end - kept);
    stream->scan = {};
    return Found::kHead;
  }
  if (all.size() >= kMaxHeadBytes) return Found::kNothing;
  if (kept == 0 && !context_.buffers->append(buffer, all)) return Found::kNothing;
  *data = {};
  return Found::kMore;
}

void Exchange::lose(int buffer, Stream* stream) {
  context_.buffers->clear(buffer);
  stream->scan = {};
  stream->phase = Phase::kLost;
}

// ---- requests

void Exchange::on_client(Bytes data) {
  Stream& client = s_.client;
  while (!data.empty()) {
    if (client.phase == Phase::kBody) {
      data = take_body(data, &client);
      if (client.body.is_over()) end_request();
      continue;
    }
    if (context_.buffers->view(kRequestHead).empty()) {
      // HTTP/0.9 has nothing behind its only line.
      if (s_.is_versionless && is_blank(static_cast<char>(data[0])))
        write_fault(code::kHttpRequestLineMissingProtocol);
      s_.is_versionless = false;
      data = without_filler(data);
      if (data.empty()) return;
      const bool may_begin =
          client.phase == Phase::kLost ? surely_begins_message(data) : may_begin_request(data);
      if (!may_begin) return lose(kRequestHead, &client);
      client.phase = Phase::kHead;
    }
    Bytes head;
    const Found found = gather(kRequestHead, true, &client, &data, &head);
    if (found == Found::kMore) return;
    if (found == Found::kNothing) {
      if (s_.is_http) write_fault(code::kHttpRequestFieldTooLong);
      return lose(kRequestHead, &client);
    }
    on_request(head);
    context_.buffers->clear(kRequestHead);
  }
}

void Exchange::on_request(Bytes bytes) {
  const Head head = parse_head(bytes, true);
  if (head.protocol.empty() && !is_known_method(head.method)) {
    return lose(kRequestHead, &s_.client);
  }
  s_.is_http = true;
  s_.is_versionless = head.protocol.empty();
  if (!keep_request(bytes, true)) return;
  write_faults(head);
  if (head.method == "CONNECT") return;
  BodyReader& body = s_.client.body;
  if (head.chunked) {
    body.begin_chunked();
  } else if (head.content_length != kNoLength && head.content_length > 0) {
    body.begin_counted(head.content_length);
  } else {
    return;
  }
  begin_content(head, &s_.client);
}

// False when too much is open: the request is forgotten.
bool Exchange::keep_request(Bytes head, bool was_seen) {
  const Bytes kept = head.first(std::min(head.size(), kMaxKeptRequestBytes));
  const RequestMark mark{static_cast<uint32_t>(kept.size()), s_.next_tx++, was_seen ? 1u : 0u};
  std::array<uint8_t, sizeof(RequestMark)> bytes;
  std::memcpy(bytes.data(), &mark, sizeof mark);
  Buffers& buffers = *context_.buffers;
  const size_t at = buffers.view(kWaitingRequests).size();
  if (s_.n_open >= kMaxOpen || at + sizeof mark + kept.size() > kMaxBufferBytes) return false;
  if (!buffers.append(kWaitingRequests, bytes)) return false;
  if (!buffers.append(kWaitingRequests, kept)) {
    // Half a record at the end would be read as a whole one.
    buffers.clear(kWaitingRequests);
    s_.n_open = 0;
    return false;
  }
  s_.last_request = static_cast<uint32_t>(at);
  ++s_.n_open;
  return true;
}

Exchange::Waiting Exchange::waiting(size_t at) const {
  if (s_.n_open == 0) return {};
  Reader r(context_.buffers->view(kWaitingRequests));
  r.seek(at);
  const Bytes bytes = r.take(sizeof(RequestMark));
  if (!r.ok()) return {};
  RequestMark mark;
  std::memcpy(&mark, bytes.data(), sizeof mark);
  return {mark.tx_id, mark.was_seen != 0, r.take(mark.head_bytes)};
}

void Exchange::forget_oldest() {
  const size_t size = sizeof(RequestMark) + waiting(0).head.size();
  context_.buffers->consume(kWaitingRequests, size);
  s_.last_request -= static_cast<uint32_t>(std::min<size_t>(s_.last_request, size));
  --s_.n_open;
}

void Exchange::end_request() {
  end_content(FileState::kClosed, &s_.client);
  s_.client.phase = Phase::kHead;
  if (s_.response_waits) complete();
}

// ---- responses

void Exchange::on_server(Bytes data) {
  Stream& server = s_.server;
  while (!data.empty() && !changed_) {
    if (s_.response_waits) complete();
    if (server.phase == Phase::kBody) {
      data = take_body(data, &server);
      if (server.body.is_over() && !takes_extra(&data)) end_response();
      continue;
    }
    if (context_.buffers->view(kResponseHead).empty() && !begin_response(&data)) return;
    if (server.phase == Phase::kBody) continue;
    Bytes head;
    const Found found = gather(kResponseHead, false, &server, &data, &head);
    if (found == Found::kMore) return;
    if (found == Found::kNothing) {
      if (s_.is_http) write_fault(code::kHttpResponseFieldTooLong);
      return lose(kResponseHead, &server);
    }
    n_left_ = data.size();
    on_response(head);
    if (!changed_ && server.phase == Phase::kBody && server.body.is_over() && !takes_extra(&data)) {
      end_response();
    }
  }
  if (!changed_ && server.phase == Phase::kBody && server.body.is_over()) end_response();
  // What the head says is needed when the body ends.
  if (server.phase == Phase::kBody && !response_.empty() &&
      context_.buffers->view(kResponseHead).empty() &&
      !context_.buffers->append(kResponseHead, response_)) {
    server.head_bytes = 0;
  }
}

// Finds the start of a response. Bytes that are none are a body without a head when a request
// waits, as browsers take them. False: nothing of interest is left.
bool Exchange::begin_response(Bytes* data) {
  *data = without_filler(*data);
  if (data->empty()) return false;
  Stream& server = s_.server;
  if (!may_begin_response(*data)) {
    const size_t n = find_response(*data);
    if (n == data->size()) {
      if (s_.n_open == 0 || server.phase == Phase::kLost) {
        lose(kResponseHead, &server);
        return false;
      }
      response_ = {};
      server.head_bytes = 0;
      server.phase = Phase::kBody;
      server.n_codings = 0;
      server.is_broken = false;
      server.body.begin_until_close();
      return true;
    }
    *data = data->subspan(n);
  }
  server.phase = Phase::kHead;
  return true;
}

void Exchange::on_response(Bytes bytes) {
  Stream& server = s_.server;
  s_.is_http = true;
  if (s_.n_open == 0) {
    write_fault(code::kHttpUnableToMatchResponseToRequest);
    keep_request({}, false);
  }
  response_ = bytes;
  server.head_bytes = static_cast<uint32_t>(bytes.size());
  const Head head = parse_head(bytes, false);
  const Head request = parse_head(waiting(0).head, true);
  write_faults(head);
  const uint16_t status = head.status_code();
  if (changes_protocol(request, head)) {
    server.body.begin_counted(0);
    server.phase = Phase::kBody;
    end_response();
    changed_ = true;
    return;
  }
  if (forbids_body(request, status)) {
    server.body.begin_counted(0);
  } else if (head.chunked) {
    server.body.begin_chunked();
  } else if (head.content_length != kNoLength) {
    server.body.begin_counted(head.content_length);
  } else {
    server.body.begin_until_close();
  }
  begin_content(head, &server);
}

bool Exchange::changes_protocol(const Head& request, const Head& response) {
  const uint16_t status = response.status_code();
  if (request.method == "CONNECT" && status >= 200 && status < 300) {
    context_.next = AppId::kUnknown;
    return true;
  }
  if (status != 101) return false;
  context_.next = AppId::kUnknown;
  // Both sides have agreed, whether a frame follows or not.
  if (contains_nocase(response.upgrade, "websocket")) {
    context_.next = context_.facts.app = AppId::kWebsocket;
  }
  if (contains_nocase(response.upgrade, "h2c")) context_.next = AppId::kHttp2;
  return true;
}

// Bytes behind a body that are no response belong to it for many clients.
bool Exchange::takes_extra(Bytes* data) {
  if (data->empty()) return false;
  const Bytes text = without_filler(*data);
  if (!text.empty() && may_begin_response(text)) return false;
  const auto lf = std::find(data->begin(), data->end(), '\n');
  const auto n = std::min(static_cast<size_t>(lf - data->begin()) + 1, data->size());
  s_.server.body.count_extra(n);
  on_content(data->first(n), &s_.server);
  *data = data->subspan(n);
  return true;
}

void Exchange::end_response() {
  Stream& server = s_.server;
  end_content(FileState::kClosed, &server);
  const Head head = parse_head(response_head(), false);
  const uint16_t status = server.head_bytes > 0 ? head.status_code() : uint16_t{0};
  if (status >= 100 && status < 200 && status != 101) {
    context_.buffers->clear(kResponseHead);
    response_ = {};
    server.head_bytes = 0;
    server.phase = Phase::kHead;
    return;
  }
  server.phase = Phase::kHead;
  const bool request_goes_on = s_.n_open == 1 && s_.client.phase == Phase::kBody;
  if (!request_goes_on) return complete();
  s_.response_waits = true;
  if (context_.buffers->view(kResponseHead).empty() && !response_.empty() &&
      !context_.buffers->append(kResponseHead, response_)) {
    server.head_bytes = 0;
  }
}

// The oldest request and the response that came last are a transaction.
void Exchange::complete() {
  s_.response_waits = false;
  if (s_.n_open > 0) {
    const Head head = parse_head(response_head(), false);
    write_transaction(waiting(0), s_.server.head_bytes > 0 ? &head : nullptr,
                      s_.server.body.wire_bytes());
    forget_oldest();
  }
  context_.buffers->clear(kResponseHead);
  response_ = {};
  s_.server.head_bytes = 0;
  s_.server.body.begin_counted(0);
}

Bytes Exchange::response_head() const {
  const Bytes kept = context_.buffers->view(kResponseHead);
  const Bytes head = response_.empty() ? kept : response_;
  return head.first(std::min<size_t>(head.size(), s_.server.head_bytes));
}

// ---- bodies

void Exchange::begin_content(const Head& head, Stream* stream) {
  stream->phase = Phase::kBody;
  stream->n_codings = 0;
  stream->is_broken = false;
  std::array<ContentDecoder::Coding, ContentDecoder::kMaxLayers> codings{};
  size_t n = ContentDecoder::codings_in(head.content_encoding, codings.data(), codings.size());
  if (n < codings.size()) {
    n += ContentDecoder::codings_in(head.second_encoding, codings.data() + n, codings.size() - n);
  }
  if (n > codings.size()) {
    write_fault(code::kHttpTooManyEncodingLayers);
    return;
  }
  // One body of a flow is decoded at a time.
  const Stream& other = stream == &s_.client ? s_.server : s_.client;
  if (n == 0 || stream->body.is_over() || other.n_codings > 0) return;
  const auto memory = context_.buffers->scratch(n * ContentDecoder::kBytesPerLayer);
  if (memory.empty()) return;
  ContentDecoder::begin(memory, codings.data(), n);
  stream->n_codings = static_cast<uint8_t>(n);
}

// Returns what is behind the body.
Bytes Exchange::take_body(Bytes data, Stream* stream) {
  while (!data.empty() && !stream->body.is_over()) {
    const bool was_invalid = stream->body.had_invalid_chunk();
    const BodyReader::Piece piece = stream->body.next(data);
    if (piece.is_content) on_content(data.first(piece.size), stream);
    if (!was_invalid && stream->body.had_invalid_chunk()) {
      write_fault(stream == &s_.client ? code::kHttpInvalidRequestChunkLen
                                       : code::kHttpInvalidResponseChunkLen);
    }
    data = data.subspan(piece.size);
  }
  return data;
}

void Exchange::on_content(Bytes content, Stream* stream) {
  FileTracker& file = stream->file;
  if (!file.is_open()) file.open(context_.digests);
  if (stream->is_broken) return;
  if (stream->n_codings == 0) return file.add(content);
  const auto memory = context_.buffers->scratch(stream->n_codings * ContentDecoder::kBytesPerLayer);
  auto* decoder = ContentDecoder::in(memory);
  const auto result = decoder->decode(content, [&file](Bytes bytes) { file.add(bytes); });
  if (result == ContentDecoder::Result::kDecoded || result == ContentDecoder::Result::kPlain) {
    return;
  }
  stream->is_broken = true;
  const bool is_bomb = result == ContentDecoder::Result::kBomb;
  write_fault(is_bomb ? code::kHttpCompressionBomb : code::kHttpGzipDecompressionFailed);
}

void Exchange::end_content(FileState state, Stream* stream) {
  if (stream->n_codings > 0) context_.buffers->scratch(0);
  stream->n_codings = 0;
  if (!stream->file.is_open()) return;
  stream->file.close(stream->file.has_gaps() ? FileState::kTruncated : state);
  write_file(*stream);
}

// `seq` is the first byte behind the hole.
void Exchange::skip_gap(uint32_t seq, bool from_client) {
  Stream& stream = from_client ? s_.client : s_.server;
  const int buffer = from_client ? kRequestHead : kResponseHead;
  const auto missing = seq - stream.next_seq;
  stream.after_gap = false;
  if (stream.phase != Phase::kBody) return lose(buffer, &stream);
  uint64_t content_bytes = 0;
  const bool goes_on = stream.body.skip(missing, &content_bytes);
  // A decoder cannot go on behind a hole; the size of what is decoded is what came before it.
  if (!stream.file.is_open()) stream.file.open(context_.digests);
  stream.file.add_gap(stream.n_codings > 0 ? 0 : content_bytes);
  if (stream.n_codings > 0) {
    context_.buffers->scratch(0);
    stream.n_codings = 0;
  }
  if (goes_on && !stream.body.is_over()) return;
  if (from_client) {
    end_request();
  } else {
    end_response();
  }
  if (!goes_on) lose(buffer, &stream);
}

// ---- events

void Exchange::on_end() {
  // A head whose end never came says as much as it holds.
  const Bytes begun = context_.buffers->view(kRequestHead);
  if (s_.client.phase == Phase::kHead && surely_begins_message(begun)) keep_request(begun, true);
  if (s_.client.phase == Phase::kBody) {
    end_content(s_.client.body.ends_with_connection() ? FileState::kClosed : FileState::kTruncated,
                &s_.client);
    s_.client.phase = Phase::kLost;
  }
  const Bytes answered = context_.buffers->view(kResponseHead);
  if (s_.server.phase == Phase::kBody) {
    end_content(s_.server.body.ends_with_connection() ? FileState::kClosed : FileState::kTruncated,
                &s_.server);
    complete();
  } else if (s_.response_waits) {
    complete();
  } else if (s_.n_open > 0 && surely_begins_message(answered)) {
    s_.server.head_bytes = static_cast<uint32_t>(answered.size());
    complete();
  }
  while (s_.n_open > 0) {
    write_transaction(waiting(0), nullptr, 0);
    forget_oldest();
  }
}

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
