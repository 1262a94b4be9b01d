// Files that protocols carry: HTTP bodies, mail attachments, FTP, SMB, NFS transfers.
//
// A tracker lies in the state of a parser, one for each file that passes at the same time. Zeroed
// memory is a tracker without a file. It keeps no content and no name: the parser shows the bytes
// as they come and says the name when it reports the file.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/event_writer.h"
#include "dpi/app.h"
#include "dpi/file/file_digests.h"
#include "dpi/file/file_type.h"

namespace thymus::dpi {

// How a file ended.
enum class FileState : uint8_t {
  kUnknown,
  kClosed,     // whole, as far as its protocol says
  kTruncated,  // its end was never seen
  kError,
};

class FileTracker {
 public:
  // A new file; what was known of the one before is forgotten. `digests`: null when none are
  // wanted.
  void open(FileDigests* digests);
  bool is_open() const { return is_open_; }
  // The next bytes of the file, in order. REQUIRES: is_open().
  void add(Bytes content);
  // `bytes` of the file were not captured. REQUIRES: is_open().
  void add_gap(uint64_t bytes);
  // The file is over; it is reported afterwards. Nothing is reported of a file that is open.
  void close(FileState state);

  uint64_t size() const { return size_; }  // bytes, with those that are missing
  bool has_gaps() const { return has_gaps_; }
  FileState state() const { return state_; }
  // Null where none was wanted, or it is not that of the whole file.
  const FileDigest* digest() const { return has_gaps_ || !owns_digest() ? nullptr : digest_; }
  std::string_view type() const { return file_type_of({head_.data(), n_head_}); }

 private:
  bool owns_digest() const { return digest_ != nullptr && digest_->file == digest_file_; }

  FileDigest* digest_;  // in the lane's memory
  uint64_t digest_file_;
  uint64_t size_;
  std::array<uint8_t, kFileHeadBytes> head_;
  uint8_t n_head_;
  FileState state_;
  bool is_open_;
  bool has_gaps_;
};

// Of a file that a protocol reports.
struct FileReport {
  AppId app;              // shown as app_proto
  std::string_view name;  // as the protocol gives it; may be empty
  uint64_t tx_id;         // of the transaction, counted from 0 in the flow
  Side sender;
};

// Begins an event fileinfo (Suricata's EVE) with all but the object of the transaction, which the
// caller adds (event::fileinfo::k<Protocol> and what is in it) before EventWriter::end().
void begin_fileinfo(const FileTracker& file, const FileReport& report, EventWriter* events);

}  // namespace thymus::dpi
