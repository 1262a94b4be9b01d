// MD5, SHA-1 and SHA-256 of the files that pass through a lane, when an option asks for them.
#pragma once

#include <array>
#include <cstdint>

#include "base/digest.h"

namespace thymus::dpi {

// The digests of one file under way.
struct FileDigest {
  uint64_t file = 0;    // whose it is: numbers of FileDigests::begin, from 1
  bool is_over = true;  // no byte is to come
  Md5 md5;
  Sha1 sha1;
  Sha256 sha256;

  void update(Bytes content) {
    md5.update(content);
    sha1.update(content);
    sha256.update(content);
  }
};

// Of the kMost files that began last; those that began before them end without digests, which is
// counted. One thread owns it, and it never moves.
class FileDigests {
 public:
  static constexpr size_t kMost = 1024;

  // For a new file. It may lose the place to a later one: `file` tells.
  FileDigest* begin() {
    FileDigest& digest = digests_[n_files_ % kMost];
    if (!digest.is_over) ++lost_;
    digest = {};
    digest.file = ++n_files_;
    digest.is_over = false;
    return &digest;
  }
  uint64_t lost() const { return lost_; }

 private:
  std::array<FileDigest, kMost> digests_;
  uint64_t n_files_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace thymus::dpi
