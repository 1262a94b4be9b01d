#include "dpi/http/fields.h"

#include <algorithm>
#include <array>

#include "base/generated/events/fileinfo.h"
#include "base/generated/events/http.h"
#include "dpi/identity.h"
#include "dpi/sbi.h"
#include "dpi/text.h"

namespace thymus::dpi::http {
namespace {

namespace ids = event::http;
namespace nested = event::fileinfo::http;
static_assert(ids::kHostname == nested::kHostname && ids::kUrl == nested::kUrl &&
              ids::kProtocol == nested::kProtocol && ids::kLength == nested::kLength);

constexpr size_t kMaxTextBytes = 4096;
// The word of EVE for a request that was not captured.
constexpr std::string_view kUnseenUrl = "/libhtp::request_uri_not_seen";

// Text in one line and perhaps in lower case; longer text is cut.
class Line {
 public:
  Line(std::string_view text, bool in_lower_case) {
    for (const char c : text) {
      if (n_ == chars_.size()) break;
      if (c != '\r' && c != '\n') chars_[n_++] = in_lower_case ? ascii_lower(c) : c;
    }
  }
  std::string_view text() const { return {chars_.data(), n_}; }

 private:
  std::array<char, kMaxTextBytes> chars_;
  size_t n_ = 0;
};

void put(uint16_t field, std::string_view text, EventWriter* events) {
  if (text.empty()) return;
  if (text.size() <= kMaxTextBytes && find_line_break(text) == text.npos) {
    events->put_text(field, text);
  } else {
    events->put_text(field, Line(text, false).text());
  }
}

void put_request(const Head& request, EventWriter* events) {
  const Authority authority = authority_of(request);
  if (!authority.host.empty()) {
    events->put_text(ids::kHostname, Line(authority.host, true).text());
  }
  if (authority.port != 0) events->put(ids::kHttpPort, authority.port);
  put(ids::kUrl, request.target, events);
  put(ids::kHttpUserAgent, request.user_agent, events);
  put(ids::kHttpRefer, request.referer, events);
  put(ids::kHttpMethod, request.method, events);
  put(ids::kProtocol, request.protocol, events);
}

void put_range(std::string_view value, EventWriter* events) {
  events->open(ids::kContentRange);
  put(ids::content_range::kRaw, value, events);
  const ContentRange range = content_range_of(value);
  if (range.is_valid) {
    events->put(ids::content_range::kStart, range.first);
    events->put(ids::content_range::kEnd, range.last);
    if (range.size > 0) events->put(ids::content_range::kSize, range.size);
  }
  events->close();
}

void put_response(const Head& response, EventWriter* events) {
  put(ids::kHttpContentType, response.content_type.substr(0, response.content_type.find(';')),
      events);
  if (!response.content_range.empty()) put_range(response.content_range, events);
  const uint16_t status = response.status_code();
  if (status != 0) {
    events->put(ids::kStatus, status);
  } else {
    put(ids::kStatusString, response.status, events);
  }
  put(ids::kRedirect, response.location, events);
}

}  // namespace

void put_fields(const Transaction& transaction, Context* context) {
  EventWriter* events = context->events;
  const bool is_service =
      transaction.request != nullptr && is_service_target(transaction.request->target);
  if (is_service) {
    const RedactedText target = without_identities(transaction.request->target, *context->options);
    Head request = *transaction.request;
    request.target = target.view();
    put_request(request, events);
  } else if (transaction.request != nullptr) {
    put_request(*transaction.request, events);
  } else {
    events->put_text(ids::kUrl, kUnseenUrl);
  }
  if (is_service && transaction.response != nullptr) {
    const RedactedText location =
        without_identities(transaction.response->location, *context->options);
    Head response = *transaction.response;
    response.location = location.view();
    put_response(response, events);
  } else if (transaction.response != nullptr) {
    put_response(*transaction.response, events);
  }
  events->put(ids::kLength, transaction.length);
}

}  // namespace thymus::dpi::http
