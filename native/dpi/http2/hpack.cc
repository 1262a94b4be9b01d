#include "dpi/http2/hpack.h"

#include <algorithm>
#include <cstring>

namespace thymus::dpi::http2 {
namespace {

constexpr uint32_t kMaxInteger = 1u << 28;

// RFC 7541, appendix A; the first has the index 1.
constexpr DynamicTable::Field kStaticTable[] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};
constexpr uint32_t kStaticFields = std::size(kStaticTable);
static_assert(kStaticFields == 61);

// RFC 7541, appendix B: the code is canonical, so the lengths in bits say all of it. The last is
// that of the end mark.
constexpr size_t kSymbols = 257;
constexpr int kMinCodeBits = 5;
constexpr int kMaxCodeBits = 30;
constexpr std::array<uint8_t, kSymbols> kCodeBits = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30};

struct HuffmanCode {
  std::array<uint32_t, kMaxCodeBits + 1> first{};  // code of each length
  std::array<uint16_t, kMaxCodeBits + 1> count{};
  std::array<uint16_t, kMaxCodeBits + 1> start{};  // in `symbols`
  std::array<uint16_t, kSymbols> symbols{};
};

constexpr HuffmanCode make_code() {
  HuffmanCode code;
  uint32_t next = 0;
  uint16_t n = 0;
  for (size_t bits = 1; bits <= kMaxCodeBits; ++bits) {
    next <<= 1;
    code.first[bits] = next;
    code.start[bits] = n;
    for (uint16_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kCodeBits[symbol] == bits) code.symbols[n++] = symbol;
    }
    code.count[bits] = static_cast<uint16_t>(n - code.start[bits]);
    next += code.count[bits];
  }
  return code;
}

constexpr HuffmanCode kCode = make_code();
constexpr uint16_t kEndMark = 256;

// A string literal; what does not fit `out` is cut. `size` is its whole length.
struct Literal {
  std::string_view text;
  size_t size = 0;
};

bool read_string(Reader* r, char* out, size_t room, Literal* literal) {
  const bool is_coded = (r->peek_u8() & 0x80) != 0;
  const uint32_t length = read_hpack_integer(r, 7);
  const Bytes bytes = r->take(length);
  if (!r->ok()) return false;
  if (!is_coded) {
    *literal = {as_text(bytes).substr(0, room), bytes.size()};
    return true;
  }
  const int64_t size = decode_huffman(bytes, out, room);
  if (size < 0) return false;
  literal->size = static_cast<size_t>(size);
  literal->text = {out, std::min(literal->size, room)};
  return true;
}

}  // namespace

int64_t decode_huffman(Bytes coded, char* out, size_t room) {
  uint32_t code = 0;
  size_t bits = 0;
  size_t n = 0;
  for (const uint8_t byte : coded) {
    for (int i = 7; i >= 0; --i) {
      code = code << 1 | (byte >> i & 1u);
      if (++bits > kMaxCodeBits) return -1;
      const uint32_t index = code - kCode.first[bits];
      if (bits < kMinCodeBits || index >= kCode.count[bits]) continue;
      const uint16_t symbol = kCode.symbols[kCode.start[bits] + index];
      if (symbol == kEndMark) return -1;
      if (n < room) out[n] = static_cast<char>(symbol);
      ++n;
      code = 0;
      bits = 0;
    }
  }
  // The rest is filled with the start of the end mark, which is all ones.
  if (bits > 7 || code != (1u << bits) - 1) return -1;
  return static_cast<int64_t>(n);
}

uint32_t read_hpack_integer(Reader* r, int bits) {
  const uint32_t mask = (1u << bits) - 1;
  uint32_t value = r->u8() & mask;
  if (value < mask) return value;
  for (int shift = 0; shift <= 28; shift += 7) {
    const uint8_t byte = r->u8();
    const uint64_t sum = value + (static_cast<uint64_t>(byte & 0x7f) << shift);
    if (sum > kMaxInteger) break;
    value = static_cast<uint32_t>(sum);
    if ((byte & 0x80) == 0) return value;
  }
  r->fail();
  return 0;
}

// ---- DynamicTable

void DynamicTable::evict_to(uint32_t bytes) {
  while (count_ > 0 && used_ > bytes) {
    used_ -= kEntryOverhead + oldest().name_bytes + oldest().value_bytes;
    first_ = (first_ + 1) % kMaxEntries;
    --count_;
  }
}

void DynamicTable::resize(uint32_t bytes) {
  limit_ = std::min(bytes, kMaxBytes);
  evict_to(limit_);
}

void DynamicTable::clear() { evict_to(0); }

void DynamicTable::add(std::string_view name, std::string_view value) {
  const size_t text_bytes = name.size() + value.size();
  const size_t size = kEntryOverhead + text_bytes;
  if (size > limit_) return clear();
  // The name may lie in the entry that is displaced: its text stays until the end is written.
  evict_to(limit_ - static_cast<uint32_t>(size));
  if (end_ + text_bytes > text_.size()) {
    const uint32_t begin = count_ > 0 ? oldest().at : end_;
    std::memmove(text_.data(), text_.data() + begin, end_ - begin);
    for (uint32_t i = 0; i < count_; ++i) {
      Entry& entry = entries_[(first_ + i) % kMaxEntries];
      entry.at = static_cast<uint16_t>(entry.at - begin);
    }
    end_ -= begin;
  }
  if (!name.empty()) std::memcpy(text_.data() + end_, name.data(), name.size());
  if (!value.empty()) std::memcpy(text_.data() + end_ + name.size(), value.data(), value.size());
  entries_[(first_ + count_) % kMaxEntries] = {static_cast<uint16_t>(end_),
                                               static_cast<uint16_t>(name.size()),
                                               static_cast<uint16_t>(value.size())};
  ++count_;
  end_ += static_cast<uint32_t>(text_bytes);
  used_ += static_cast<uint32_t>(size);
}

bool DynamicTable::find(uint32_t index, Field* field) const {
  if (index >= count_) return false;
  const Entry& entry = entries_[(first_ + count_ - 1 - index) % kMaxEntries];
  *field = {{text_.data() + entry.at, entry.name_bytes},
            {text_.data() + entry.at + entry.name_bytes, entry.value_bytes}};
  return true;
}

// ---- HeaderDecoder

void HeaderDecoder::begin(bool is_mid_stream) {
  allowed_ = is_mid_stream ? kMaxInteger : kDefaultTableBytes;
  table_bytes_ = kDefaultTableBytes;
  is_partial_ = is_mid_stream;
  table_.resize(kDefaultTableBytes);
}

bool HeaderDecoder::find(uint32_t index, DynamicTable::Field* field) const {
  if (index == 0) return false;
  if (index <= kStaticFields) {
    *field = kStaticTable[index - 1];
    return true;
  }
  return table_.find(index - kStaticFields - 1, field) || is_partial_;
}

HeaderDecoder::Result HeaderDecoder::resize(Reader* r) {
  const uint32_t bytes = read_hpack_integer(r, 5);
  if (!r->ok()) return Result::kIntegerOverflow;
  if (bytes > allowed_) return Result::kBroken;
  table_bytes_ = bytes;
  table_.resize(bytes);
  if (bytes > DynamicTable::kMaxBytes) is_partial_ = true;
  return Result::kDecoded;
}

HeaderDecoder::Result HeaderDecoder::read_field(Reader* r, Target target, size_t* list_bytes) {
  const uint8_t lead = r->peek_u8();
  const bool is_indexed = (lead & 0x80) != 0;
  const bool is_added = (lead & 0xc0) == 0x40;
  const uint32_t index = read_hpack_integer(r, is_indexed ? 7 : is_added ? 6 : 4);
  if (!r->ok()) return Result::kIntegerOverflow;
  DynamicTable::Field field;
  if ((is_indexed || index > 0) && !find(index, &field)) return Result::kBroken;
  Text name_text;
  Text value_text;
  Literal name{field.name, field.name.size()};
  Literal value{field.value, field.value.size()};
  if (!is_indexed) {
    if (index == 0 && !read_string(r, name_text.data(), name_text.size(), &name)) {
      return Result::kBroken;
    }
    if (!read_string(r, value_text.data(), value_text.size(), &value)) return Result::kBroken;
    if (index > 0 && is_added) {
      // A name in the table may move when the field is added.
      const size_t n = std::min(name.text.size(), name_text.size());
      if (n > 0) std::memcpy(name_text.data(), name.text.data(), n);
      name.text = {name_text.data(), n};
    }
  }
  *list_bytes += name.size + value.size + DynamicTable::kEntryOverhead;
  if (*list_bytes > kMaxListBytes) return Result::kTooLarge;
  if (!name.text.empty()) target.call(target.to, name.text, value.text);
  if (!is_added) return Result::kDecoded;
  const bool is_cut = name.text.size() < name.size || value.text.size() < value.size;
  if (!is_cut) {
    table_.add(name.text, value.text);
  } else {
    table_.clear();
    // A longer field displaces all others unless the encoder's table is larger than ours.
    if (name.size + value.size + DynamicTable::kEntryOverhead <= table_bytes_) is_partial_ = true;
  }
  return Result::kDecoded;
}

HeaderDecoder::Result HeaderDecoder::decode_to(Bytes block, Target target) {
  Reader r(block);
  size_t list_bytes = 0;
  while (!r.empty()) {
    const bool is_size = (r.peek_u8() & 0xe0) == 0x20;
    const Result result = is_size ? resize(&r) : read_field(&r, target, &list_bytes);
    if (result != Result::kDecoded) return result;
  }
  return Result::kDecoded;
}

}  // namespace thymus::dpi::http2
