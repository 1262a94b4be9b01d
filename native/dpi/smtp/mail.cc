#include "dpi/smtp/mail.h"

#include <algorithm>

#include "base/generated/anomaly_codes.h"
#include "dpi/kept_fields.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace code = anomaly_code;

constexpr size_t kMaxLineBytes = 998;        // RFC 5322 section 2.1.1
constexpr size_t kMaxEncodedLineBytes = 76;  // RFC 2045 section 6.7, 6.8
constexpr size_t kMaxHeaderNameBytes = 75;
constexpr size_t kMaxHeaderValueBytes = 2000;

struct Named {
  std::string_view name;
  MailField field;
};
constexpr Named kHeaders[] = {
    {"from", MailField::kFrom},
    {"to", MailField::kTo},
    {"cc", MailField::kCc},
    {"subject", MailField::kSubject},
    {"date", MailField::kDate},
    {"message-id", MailField::kMessageId},
    {"reply-to", MailField::kReplyTo},
    {"x-mailer", MailField::kMailer},
    {"user-agent", MailField::kUserAgent},
    {"x-originating-ip", MailField::kOriginatingIp},
};

constexpr Named kUrlSchemes[] = {
    {"http://", MailField::kUrl},
    {"https://", MailField::kOtherUrl},
    {"ftp://", MailField::kOtherUrl},
    {"chat://", MailField::kOtherUrl},
};

MailField field_of(std::string_view name) {
  for (const Named& header : kHeaders) {
    if (equals_nocase(name, header.name)) return header.field;
  }
  return MailField::kNone;
}

// Where an element of a list ends: at a comma that is not quoted.
size_t element_bytes(std::string_view list) {
  bool is_quoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') is_quoted = !is_quoted;
    if (list[i] == ',' && !is_quoted) return i;
  }
  return list.size();
}

void report_list(MailField field, std::string_view list, MailListener* listener) {
  while (!list.empty()) {
    const size_t n = element_bytes(list);
    const std::string_view element = trim_left(list.substr(0, n));
    if (!element.empty()) listener->on_field(field, element);
    list.remove_prefix(std::min(list.size(), n + 1));
  }
}

// The value of `name` in "type/subtype; name=value; other="quoted value""; empty without it.
std::string_view parameter(std::string_view value, std::string_view name) {
  size_t at = value.find(';');
  while (at != std::string_view::npos) {
    value = trim_left(value.substr(at + 1));
    const size_t equals = value.find('=');
    if (equals == std::string_view::npos) return {};
    const std::string_view found = trim(value.substr(0, equals));
    value = trim_left(value.substr(equals + 1));
    const bool is_quoted = value.starts_with('"');
    if (is_quoted) value.remove_prefix(1);
    const size_t end = std::min(value.find(is_quoted ? '"' : ';'), value.size());
    if (equals_nocase(found, name)) {
      return is_quoted ? value.substr(0, end) : trim(value.substr(0, end));
    }
    at = value.find(';', end);
  }
  return {};
}

bool ends_url(char c) {
  return c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ']' || c == '\t' ||
         c == '\r' || c == '\n';
}

size_t find_nocase(std::string_view text, std::string_view what) {
  for (size_t i = 0; i + what.size() <= text.size(); ++i) {
    if (ascii_lower(text[i]) == what[0] && starts_nocase(text.substr(i), what)) return i;
  }
  return std::string_view::npos;
}

}  // namespace

void MailReader::open() {
  *this = MailReader{};
  is_open_ = true;
  begin_part();
}

size_t MailReader::next_piece(Bytes all, MailPiece* piece) {
  const auto at = std::find(all.begin(), all.end(), '\n');
  const auto n = static_cast<size_t>(at - all.begin());
  const bool has_cr = n > 0 && all[n - 1] == '\r';
  *piece = {as_text(all.first(has_cr ? n - 1 : n))};
  if (n < all.size()) {
    piece->eol_bytes = has_cr ? 2 : 1;
    return n + 1;
  }
  return n >= kMaxPieceBytes ? piece->text.size() : 0;
}

void MailReader::on_piece(const MailPiece& piece, const Use& use) {
  line_bytes_ = is_mid_line_ ? line_bytes_ : 0;
  line_bytes_ += static_cast<uint32_t>(piece.text.size());
  if (line_bytes_ > kMaxLineBytes) fault(code::kSmtpMimeLongLine, use);
  if (in_headers_) {
    on_header_piece(piece, use);
  } else {
    on_body_piece(piece, use);
  }
  is_mid_line_ = piece.eol_bytes == 0;
}

void MailReader::on_gap() {
  if (file_.is_open()) file_.add_gap(0);
  is_mid_line_ = true;
  text_bytes_ = 0;
}

void MailReader::close(bool is_whole, const Use& use) {
  if (!is_open_) return;
  if (in_headers_ && !is_mid_line_) end_headers(use);
  use.buffers->clear(use.header_buffer);
  end_part(is_whole ? FileState::kClosed : FileState::kTruncated, use);
  is_open_ = false;
}

// ---- headers

void MailReader::on_header_piece(const MailPiece& piece, const Use& use) {
  const bool begins_line = !is_mid_line_;
  std::string_view text = piece.text;
  if (begins_line && text.empty() && piece.eol_bytes > 0) {
    end_headers(use);
    return;
  }
  if (begins_line && n_boundaries_ > 0 && on_boundary(text, use)) return;
  const bool is_folded = begins_line && !text.empty() && is_blank(text.front());
  if (is_folded) text.remove_prefix(1);
  if (begins_line && !is_folded) {
    on_header(as_text(use.buffers->view(use.header_buffer)), use);
    use.buffers->clear(use.header_buffer);
  }
  const size_t room =
      KeptFields::kMaxTextBytes -
      std::min(KeptFields::kMaxTextBytes, use.buffers->view(use.header_buffer).size());
  const auto* bytes = as_bytes(text).data();
  use.buffers->append(use.header_buffer, {bytes, std::min(room, text.size())});
}

void MailReader::on_header(std::string_view header, const Use& use) {
  const size_t colon = header.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = trim(header.substr(0, colon));
  const std::string_view value = trim(header.substr(colon + 1));
  if (name.size() > kMaxHeaderNameBytes) fault(code::kSmtpMimeLongHeaderName, use);
  if (value.size() > kMaxHeaderValueBytes) fault(code::kSmtpMimeLongHeaderValue, use);
  if (equals_nocase(name, "content-type")) {
    on_content_type(value, use);
  } else if (equals_nocase(name, "content-disposition")) {
    on_file_name(parameter(value, "filename"), use);
  } else if (equals_nocase(name, "content-transfer-encoding")) {
    encoding_ = starts_nocase(value, "base64")             ? Encoding::kBase64
                : starts_nocase(value, "quoted-printable") ? Encoding::kQuotedPrintable
                                                           : Encoding::kNone;
  } else if (!main_headers_over_) {
    const MailField field = field_of(name);
    if (field == MailField::kTo || field == MailField::kCc) {
      report_list(field, value, use.listener);
    } else if (field != MailField::kNone) {
      use.listener->on_field(field, value);
    }
  }
}

void MailReader::on_content_type(std::string_view value, const Use& use) {
  is_text_ = starts_nocase(value, "text/");
  is_message_ = starts_nocase(value, "message/rfc822");
  on_file_name(parameter(value, "name"), use);
  if (!starts_nocase(value, "multipart/")) return;
  const std::string_view boundary = parameter(value, "boundary");
  if (boundary.size() > kMaxBoundaryBytes) fault(code::kSmtpMimeLongBoundary, use);
  if (boundary.empty() || n_boundaries_ == kMaxDepth) return;
  Boundary& kept = boundaries_[n_boundaries_++];
  kept.size = static_cast<uint8_t>(std::min(boundary.size(), kMaxBoundaryBytes));
  std::copy_n(boundary.begin(), kept.size, kept.text.begin());
}

// Content-Disposition and Content-Type both may say it; the first one counts.
void MailReader::on_file_name(std::string_view name, const Use& use) {
  if (name.empty() || name_bytes_ > 0) return;
  if (name.size() > kMaxFileNameBytes) fault(code::kSmtpMimeLongFilename, use);
  name_bytes_ = static_cast<uint8_t>(std::min(name.size(), kMaxFileNameBytes));
  std::copy_n(name.begin(), name_bytes_, name_.begin());
}

void MailReader::end_headers(const Use& use) {
  on_header(as_text(use.buffers->view(use.header_buffer)), use);
  use.buffers->clear(use.header_buffer);
  main_headers_over_ = true;
  if (is_message_ && name_bytes_ == 0) {
    begin_part();
    return;
  }
  in_headers_ = false;
  if (name_bytes_ == 0) return;
  use.listener->on_field(MailField::kAttachment, {name_.data(), name_bytes_});
  file_.open(use.digests);
}

// ---- body

void MailReader::begin_part() {
  in_headers_ = true;
  is_text_ = true;
  is_message_ = false;
  encoding_ = Encoding::kNone;
  base64_ = {};
  quoted_ = {};
  name_bytes_ = 0;
  text_bytes_ = 0;
  pending_eol_bytes_ = 0;
}

void MailReader::end_part(FileState state, const Use& use) {
  if (base64_.found_bad()) fault(code::kSmtpMimeInvalidBase64, use);
  if (quoted_.found_bad()) fault(code::kSmtpMimeInvalidQp, use);
  find_urls(use);
  if (!file_.is_open()) return;
  file_.close(state);
  use.listener->on_file(file_, {name_.data(), name_bytes_});
}

// A line that begins a part, or ends a part of parts. False when it is no such line.
bool MailReader::on_boundary(std::string_view line, const Use& use) {
  if (!line.starts_with("--")) return false;
  line.remove_prefix(2);
  for (int i = n_boundaries_ - 1; i >= 0; --i) {
    const std::string_view boundary = boundaries_[static_cast<size_t>(i)].view();
    if (!line.starts_with(boundary)) continue;
    const bool is_last = line.substr(boundary.size()).starts_with("--");
    use.buffers->clear(use.header_buffer);
    end_part(FileState::kClosed, use);
    begin_part();
    n_boundaries_ = static_cast<uint8_t>(is_last ? i : i + 1);
    in_headers_ = !is_last;
    is_text_ = !is_last;
    main_headers_over_ = true;
    return true;
  }
  return false;
}

void MailReader::on_body_piece(const MailPiece& piece, const Use& use) {
  if (!is_mid_line_ && on_boundary(piece.text, use)) return;
  if (encoding_ != Encoding::kNone && line_bytes_ > kMaxEncodedLineBytes) {
    fault(code::kSmtpMimeLongEncLine, use);
  }
  constexpr uint8_t kEol[] = {'\r', '\n'};
  if (pending_eol_bytes_ > 0) on_content(Bytes(kEol).last(pending_eol_bytes_), use);
  pending_eol_bytes_ = 0;
  decode(piece.text, use);
  if (piece.eol_bytes == 0 || encoding_ == Encoding::kBase64) return;
  const bool joins = encoding_ == Encoding::kQuotedPrintable && quoted_.end_line();
  if (!joins) pending_eol_bytes_ = piece.eol_bytes;
}

void MailReader::decode(std::string_view text, const Use& use) {
  if (!file_.is_open() && !is_text_) return;
  if (encoding_ == Encoding::kNone) {
    on_content(as_bytes(text), use);
    return;
  }
  constexpr size_t kSliceBytes = 512;
  std::array<uint8_t, kSliceBytes + QuotedPrintableDecoder::kMaxHeld> out;
  while (!text.empty()) {
    const std::string_view slice = text.substr(0, kSliceBytes);
    const size_t n = encoding_ == Encoding::kBase64 ? base64_.decode(slice, out.data())
                                                    : quoted_.decode(slice, out.data());
    on_content({out.data(), n}, use);
    text.remove_prefix(slice.size());
  }
}

void MailReader::on_content(Bytes content, const Use& use) {
  if (file_.is_open()) file_.add(content);
  if (is_text_) scan_text(content, use);
}

void MailReader::scan_text(Bytes content, const Use& use) {
  for (const uint8_t byte : content) {
    if (text_bytes_ == text_line_.size() || byte == '\n') find_urls(use);
    if (byte != '\n') text_line_[text_bytes_++] = static_cast<char>(byte);
  }
}

// In the line of text under way, which is then forgotten.
void MailReader::find_urls(const Use& use) {
  const std::string_view line{text_line_.data(), text_bytes_};
  text_bytes_ = 0;
  for (const Named& scheme : kUrlSchemes) {
    std::string_view rest = line;
    for (;;) {
      const size_t at = find_nocase(rest, scheme.name);
      if (at == std::string_view::npos) break;
      rest.remove_prefix(at + scheme.name.size());
      size_t n = 0;
      while (n < rest.size() && !ends_url(rest[n])) ++n;
      use.listener->on_field(scheme.field, rest.substr(0, n));
      rest.remove_prefix(n);
    }
  }
}

void MailReader::fault(uint16_t fault_code, const Use& use) {
  const uint32_t bit = uint32_t{1} << (fault_code - code::kSmtpMimeInvalidBase64);
  if (faults_seen_ & bit) return;
  faults_seen_ |= bit;
  use.listener->on_fault(fault_code);
}

}  // namespace thymus::dpi
