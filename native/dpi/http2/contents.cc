// What the streams of a connection carry: DNS messages and files.
#include <algorithm>

#include "dpi/dns_message.h"
#include "dpi/http2/connection.h"

namespace thymus::dpi::http2 {
namespace {

constexpr size_t kMaxQueryBytes = 512;
constexpr std::string_view kDnsParameter = "dns=";

int base64url_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

}  // namespace

// ---- DNS over HTTP/2 (RFC 8484)

// One answer at a time is gathered. It repeats its query, which is reported when it has no answer.
void Session::take_dns(Bytes content, const Stream& stream) {
  if (!stream.answers_dns || is_client(side_)) return;
  if (c_->dns_stream == 0) {
    context_.buffers->clear(kDnsPart);
    c_->dns_stream = stream.id;
  }
  if (c_->dns_stream != stream.id) return;
  if (!context_.buffers->append(kDnsPart, content)) c_->dns_stream = 0;
}

void Session::end_dns(Stream* stream) {
  if (c_->dns_stream != stream->id) return;
  stream->was_answered = true;
  write_dns(context_.buffers->view(kDnsPart), true);
  context_.buffers->clear(kDnsPart);
  c_->dns_stream = 0;
}

void Session::write_query(std::string_view path) {
  const size_t at = path.find(kDnsParameter);
  if (at == path.npos) return;
  std::array<uint8_t, kMaxQueryBytes> bytes;
  size_t n = 0;
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : path.substr(at + kDnsParameter.size())) {
    const int digit = base64url_digit(c);
    if (digit < 0 || n == bytes.size()) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes[n++] = static_cast<uint8_t>(bits >> n_bits);
  }
  context_.facts.app = AppId::kDoh2;
  write_dns(Bytes(bytes).first(n), false);
}

void Session::write_dns(Bytes message, bool by_server) {
  if (!may_write()) return;
  DnsFaults faults;
  if (!write_dns_message({message, message.size(), by_server, !by_server}, c_->next_tx,
                         context_.events, &faults)) {
    faults.write(context_.events);
  }
}

// ---- files

std::span<uint8_t> Session::decoder_memory() const {
  return context_.buffers->scratch(kConnectionBytes).subspan(kDecoderAt);
}

void Session::take_file(Bytes content, Stream* stream) {
  FileTracker& file = stream->files[side_];
  if (!file.is_open()) {
    const FieldList& list = is_client(side_) ? stream->request : stream->response;
    if (content.empty() || value_of(list, "content-type").starts_with(kDnsType)) return;
    file.open(context_.digests);
    begin_file(stream);
  }
  if (is_client(side_) || (c_->decoded_stream != stream->id && !stream->is_broken)) {
    return file.add(content);
  }
  if (stream->is_broken) return;
  using Result = http::ContentDecoder::Result;
  const Result result =
      http::ContentDecoder::in(decoder_memory())->decode(content, [&file](Bytes bytes) {
        file.add(bytes);
      });
  if (result == Result::kDecoded || result == Result::kPlain) return;
  stream->is_broken = true;
  report(Fault::kDecoding);
}

// Of several responses under way one is decoded; the others count as they were sent.
void Session::begin_file(Stream* stream) {
  if (is_client(side_) || c_->decoded_stream != 0) return;
  std::array<http::ContentDecoder::Coding, 1> coding{};
  const std::string_view value = value_of(stream->response, "content-encoding");
  if (http::ContentDecoder::codings_in(value, coding.data(), coding.size()) != 1) return;
  http::ContentDecoder::begin(decoder_memory(), coding.data(), coding.size());
  c_->decoded_stream = stream->id;
}

// A decoder cannot go on behind a hole; the size of what is decoded is what came before it.
void Session::lose_file_part(uint32_t missing, Stream* stream) {
  FileTracker& file = stream->files[side_];
  if (!file.is_open()) file.open(context_.digests);
  const bool is_decoded = !is_client(side_) && c_->decoded_stream == stream->id;
  file.add_gap(is_decoded ? 0 : missing);
  if (is_decoded) stream->is_broken = true;
}

void Session::end_file(Stream* stream, size_t side, FileState state) {
  FileTracker& file = stream->files[side];
  if (file.is_open()) {
    file.close(file.has_gaps() ? FileState::kTruncated : state);
    write_file(*stream, side);
  }
  if (!is_client(side) && c_->decoded_stream == stream->id) c_->decoded_stream = 0;
}

}  // namespace thymus::dpi::http2
