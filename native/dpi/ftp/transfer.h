// What an FTP control connection says of a data connection that will come: the note of the
// announcement, {u8 transfer, name of the file}.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "dpi/context.h"
#include "dpi/text.h"

namespace thymus::dpi {

inline constexpr std::string_view kTransferCommands[] = {"RETR", "STOR", "APPE", "STOU",
                                                         "LIST", "NLST", "MLSD"};
inline constexpr size_t kFileTransfers = 4;  // the first of them carry files

// Position in kTransferCommands; -1: it opens no data connection.
inline int transfer_of(std::string_view command) {
  for (size_t i = 0; i < std::size(kTransferCommands); ++i) {
    if (equals_nocase(command, kTransferCommands[i])) return static_cast<int>(i);
  }
  return -1;
}

struct TransferNote {
  std::array<uint8_t, kMaxNoteBytes> bytes;
  uint8_t size;

  // A long name keeps its end, which says more.
  void set(int transfer, std::string_view name) {
    name = name.substr(name.size() - std::min(name.size(), bytes.size() - 1));
    bytes[0] = static_cast<uint8_t>(transfer);
    std::copy(name.begin(), name.end(), bytes.begin() + 1);
    size = static_cast<uint8_t>(name.size() + 1);
  }
  void set(Bytes note) {
    size = static_cast<uint8_t>(std::min(note.size(), bytes.size()));
    std::copy_n(note.begin(), size, bytes.begin());
  }
  Bytes view() const { return {bytes.data(), size}; }
  size_t transfer() const {
    return size == 0 ? 0 : std::min<size_t>(bytes[0], std::size(kTransferCommands) - 1);
  }
  std::string_view name() const {
    return size == 0 ? std::string_view{} : as_text(view().subspan(1));
  }
};

}  // namespace thymus::dpi
