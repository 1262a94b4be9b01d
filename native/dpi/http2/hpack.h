// HPACK, the header compression of HTTP/2 (RFC 7541), for one direction of a connection.
//
//   1xxxxxxx  indexed field                 7-bit index
//   01xxxxxx  literal, added to the table   6-bit index of the name, or 0 and the name
//   001xxxxx  size of the table             5-bit size
//   000nxxxx  literal, not added            4-bit index of the name, or 0 and the name
//   string:   | H | length, 7 bits and more | length bytes, Huffman-coded where H is set |
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace thymus::dpi::http2 {

// Undoes the Huffman code of RFC 7541, appendix B. Returns the length of the text, of which the
// first `room` bytes are stored; -1 when the code is broken.
int64_t decode_huffman(Bytes coded, char* out, size_t room);

// An integer with a prefix of `bits` bits (RFC 7541, 5.1). Fails the reader beyond 2^28.
uint32_t read_hpack_integer(Reader* r, int bits);

// The newest fields of a connection. Kept are those that fit the size that the encoder keeps to,
// and never more than kMaxBytes by the count of RFC 7541, 4.1.
class DynamicTable {
 public:
  static constexpr uint32_t kMaxBytes = 8 * 1024;
  static constexpr uint32_t kEntryOverhead = 32;
  static constexpr uint32_t kMaxEntries = kMaxBytes / kEntryOverhead;

  struct Field {
    std::string_view name;
    std::string_view value;
  };

  void resize(uint32_t bytes);
  // Sizes may exceed the strings where these were cut; such a field only displaces others.
  void add(std::string_view name, std::string_view value);
  // Displaces everything: a field that is larger than the table.
  void clear();
  // 0 is the newest. False where it is not kept.
  bool find(uint32_t index, Field* field) const;
  uint32_t room() const { return limit_; }

 private:
  struct Entry {
    uint16_t at;
    uint16_t name_bytes;
    uint16_t value_bytes;
  };
  const Entry& oldest() const { return entries_[first_ % kMaxEntries]; }
  void evict_to(uint32_t bytes);

  uint32_t limit_;
  uint32_t used_;  // with the overhead of entries
  uint32_t first_;
  uint32_t count_;
  uint32_t end_;  // of the text in use
  std::array<Entry, kMaxEntries> entries_;
  // Twice the size, so that what is in use moves to the front once in kMaxBytes of additions.
  std::array<char, size_t{2} * kMaxBytes> text_;
};

class HeaderDecoder {
 public:
  static constexpr uint32_t kDefaultTableBytes = 4096;
  // Of a header block, decoded; beyond it the block is a bomb.
  static constexpr size_t kMaxListBytes = 64 * 1024;
  static constexpr size_t kMaxStringBytes = 4 * 1024;  // longer strings are cut

  enum class Result : uint8_t {
    kDecoded,
    kBroken,           // the block breaks its format: the table is lost
    kIntegerOverflow,  // likewise, by an integer
    kTooLarge,         // likewise, kMaxListBytes are exceeded
  };

  // Before the first block. In the middle of a connection the table is not known, and what is not
  // in it is left out instead of being an error.
  void begin(bool is_mid_stream);
  // The reader of the blocks announced SETTINGS_HEADER_TABLE_SIZE.
  void allow(uint32_t table_bytes) { allowed_ = allowed_ < table_bytes ? table_bytes : allowed_; }

  // Calls `use(name, value)` with each field, whose text is valid during the call.
  template <typename Use>
  Result decode(Bytes block, Use&& use) {
    auto call = [](void* to, std::string_view name, std::string_view value) {
      (*static_cast<Use*>(to))(name, value);
    };
    return decode_to(block, {call, &use});
  }

 private:
  struct Target {
    void (*call)(void* to, std::string_view name, std::string_view value);
    void* to;
  };
  using Text = std::array<char, kMaxStringBytes>;

  Result decode_to(Bytes block, Target target);
  Result read_field(Reader* r, Target target, size_t* list_bytes);
  Result resize(Reader* r);
  bool find(uint32_t index, DynamicTable::Field* field) const;

  uint32_t allowed_;
  uint32_t table_bytes_;  // as the encoder says
  bool is_partial_;       // fields may be missing in the table
  DynamicTable table_;
};

}  // namespace thymus::dpi::http2
