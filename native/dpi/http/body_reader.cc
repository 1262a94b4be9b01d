#include "dpi/http/body_reader.h"

#include <algorithm>

namespace thymus::dpi::http {
namespace {

constexpr uint64_t kMaxChunkBytes = 0x7fffffff;

int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool is_padding(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == 0; }

}  // namespace

void BodyReader::begin_counted(uint64_t bytes) {
  *this = BodyReader{};
  left_ = bytes;
  phase_ = bytes == 0 ? Phase::kOver : Phase::kCounted;
}

void BodyReader::begin_chunked() {
  *this = BodyReader{};
  phase_ = Phase::kChunkSize;
}

void BodyReader::begin_until_close() {
  *this = BodyReader{};
  phase_ = Phase::kUntilClose;
}

BodyReader::Piece BodyReader::next(Bytes data) {
  if (phase_ == Phase::kUntilClose) {
    wire_bytes_ += data.size();
    return {data.size(), true};
  }
  if (phase_ == Phase::kCounted || phase_ == Phase::kChunkData) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
    left_ -= n;
    wire_bytes_ += n;
    if (left_ == 0) phase_ = phase_ == Phase::kCounted ? Phase::kOver : Phase::kChunkEnd;
    return {n, true};
  }
  return framing(data);
}

BodyReader::Piece BodyReader::framing(Bytes data) {
  size_t n = 0;
  const Phase before = phase_;
  while (n < data.size() && phase_ == before) {
    const uint8_t byte = data[n];
    if (phase_ == Phase::kChunkSize && !size_byte(byte)) {
      // What is no chunk is shown to users as it is: so the line itself is content.
      had_invalid_chunk_ = true;
      phase_ = Phase::kUntilClose;
      wire_bytes_ += data.size();
      return {data.size(), true};
    }
    ++n;
    if (phase_ == Phase::kChunkExtension && byte == '\n') end_size_line();
    if (phase_ == Phase::kChunkEnd && byte == '\n') phase_ = Phase::kChunkSize;
    if (phase_ == Phase::kTrailer && before == Phase::kTrailer) {
      if (byte == '\n' && !line_has_content_) phase_ = Phase::kOver;
      line_has_content_ = byte != '\n' && (line_has_content_ || byte != '\r');
    }
  }
  wire_bytes_ += n;
  return {n, false};
}

// False: this is no chunk size. Blank lines and padding before the digits are overlooked.
bool BodyReader::size_byte(uint8_t byte) {
  const int digit = hex_digit(byte);
  if (digit >= 0) {
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    n_digits_ = 1;
    return left_ <= kMaxChunkBytes;
  }
  if (n_digits_ == 0) return is_padding(byte);
  phase_ = Phase::kChunkExtension;
  return true;
}

void BodyReader::end_size_line() {
  n_digits_ = 0;
  line_has_content_ = false;
  phase_ = left_ == 0 ? Phase::kTrailer : Phase::kChunkData;
}

bool BodyReader::skip(uint64_t bytes, uint64_t* content_bytes) {
  *content_bytes = 0;
  switch (phase_) {
    case Phase::kUntilClose:
      *content_bytes = bytes;
      wire_bytes_ += bytes;
      return true;
    case Phase::kCounted:
      *content_bytes = std::min(left_, bytes);
      left_ -= *content_bytes;
      wire_bytes_ += *content_bytes;
      if (left_ > 0) return true;
      phase_ = Phase::kOver;
      return true;
    case Phase::kChunkData:
      if (bytes >= left_) return false;
      *content_bytes = bytes;
      left_ -= bytes;
      wire_bytes_ += bytes;
      return true;
    default:
      return false;
  }
}

}  // namespace thymus::dpi::http
