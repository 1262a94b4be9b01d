#include "dpi/file/file_tracker.h"

#include <algorithm>
#include <limits>

#include "base/generated/events/fileinfo.h"

namespace thymus::dpi {
namespace {

// Longer names are cut.
constexpr size_t kMaxNameBytes = 4096;

std::string_view name_of(FileState state) {
  switch (state) {
    case FileState::kClosed:
      return "CLOSED";
    case FileState::kTruncated:
      return "TRUNCATED";
    case FileState::kError:
      return "ERROR";
    case FileState::kUnknown:
      break;
  }
  return "UNKNOWN";
}

}  // namespace

void FileTracker::open(FileDigests* digests) {
  if (owns_digest()) digest_->is_over = true;
  *this = FileTracker{};
  is_open_ = true;
  if (digests == nullptr) return;
  digest_ = digests->begin();
  digest_file_ = digest_->file;
}

void FileTracker::add(Bytes content) {
  if (size_ == n_head_ && n_head_ < head_.size()) {
    const Bytes start = Reader(content).take_up_to(head_.size() - n_head_);
    std::copy(start.begin(), start.end(), head_.begin() + n_head_);
    n_head_ = static_cast<uint8_t>(n_head_ + start.size());
  }
  size_ += content.size();
  if (owns_digest()) digest_->update(content);
}

void FileTracker::add_gap(uint64_t bytes) {
  has_gaps_ = true;
  size_ += std::min(bytes, std::numeric_limits<uint64_t>::max() - size_);
}

void FileTracker::close(FileState state) {
  state_ = state;
  is_open_ = false;
  if (owns_digest()) digest_->is_over = true;
}

void begin_fileinfo(const FileTracker& file, const FileReport& report, EventWriter* events) {
  namespace ids = event::fileinfo;
  events->begin(event::kFileinfo, report.sender);
  events->put_text(ids::kFilename, report.name.substr(0, kMaxNameBytes));
  events->put_bool(ids::kGaps, file.has_gaps());
  events->put_text(ids::kState, name_of(file.state()));
  if (const FileDigest* digest = file.digest()) {
    const auto put = [events](uint16_t field, const auto& value) {
      const auto hex = hex_of(value);
      events->put_text(field, {hex.data(), hex.size()});
    };
    put(ids::kMd5, digest->md5.value());
    put(ids::kSha1, digest->sha1.value());
    put(ids::kSha256, digest->sha256.value());
  }
  events->put_bool(ids::kStored, false);
  events->put(ids::kSize, file.size());
  events->put(ids::kTxId, report.tx_id);
  if (!file.type().empty()) events->put_text(ids::kMimeType, file.type());
  events->put_text(ids::kAppProto, app_name(report.app));
}

}  // namespace thymus::dpi
