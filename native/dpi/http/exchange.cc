#include "dpi/http/exchange.h"

#include <algorithm>
#include <cstring>

#include "base/generated/anomaly_codes.h"
#include "dpi/http/lookup.h"
#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

namespace code = anomaly_code;

enum : int { kRequestHead, kResponseHead, kWaitingRequests };

constexpr uint16_t kMaxOpen = 256;
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
    stream->is_in_pieces = false;
    return Found::kHead;
  }
  if (all.size() >= kMaxHeadBytes) return Found::kNothing;
  if (kept == 0 && !context_.buffers->append(buffer, all)) return Found::kNothing;
  stream->is_in_pieces = kept > 0 && !stream->after_gap;
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
  JndiLookups lookups;
  find_jndi_lookups(as_text(bytes), &lookups);
  find_jndi_credentials(head.authorization, &lookups);
  write_lookups(lookups);
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

// ---- holes

// `seq` is the first byte behind the hole.
void Exchange::skip_gap(uint32_t seq, bool from_client) {
  Stream& stream = from_client ? s_.client : s_.server;
  const int buffer = from_client ? kRequestHead : kResponseHead;
  const auto missing = seq - stream.next_seq;
  stream.after_gap = false;
  stream.is_in_pieces = false;
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

// ---- end

void Exchange::on_end() {
  // A head whose end never came says as much as it holds.
  const Bytes begun = context_.buffers->view(kRequestHead);
  if (s_.client.phase == Phase::kHead && surely_begins_message(begun)) {
    // A client that sends more of a head and never its end keeps the server waiting.
    if (s_.client.is_in_pieces) write_client_fault(code::kHttpRequestUnfinished, s_.next_tx);
    keep_request(begun, true);
  }
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

}  // namespace thymus::dpi::http
