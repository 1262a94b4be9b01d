#include "dpi/file/file_tracker.h"

#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/generated/events/fileinfo.h"
#include "support/event_reader.h"
#include "support/mangle.h"

namespace thymus::test {
namespace {

namespace ids = event::fileinfo;
using dpi::FileState;
using dpi::FileTracker;

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Event report(const FileTracker& file, std::string_view name) {
  EventLog log;
  const auto writer = std::make_unique<EventWriter>(&log);
  dpi::begin_fileinfo(file, {dpi::AppId::kSmtp, name, 3, Side::kOriginator}, writer.get());
  writer->end();
  REQUIRE(log.events.size() == 1);
  return log.events[0];
}

TEST_CASE("file tracker: reports name, state, size and type") {
  FileTracker file{};
  CHECK_FALSE(file.is_open());
  file.open(nullptr);
  CHECK(file.is_open());
  for (const char c : std::string_view("%PDF-1.7 and more than the sixteen bytes")) {
    file.add(bytes_of({&c, 1}));
  }
  file.close(FileState::kClosed);
  CHECK_FALSE(file.is_open());
  const Event e = report(file, "a.pdf");
  CHECK(e.type == event::kFileinfo);
  CHECK(e.side == Side::kOriginator);
  CHECK(e.fields.text(ids::kFilename) == "a.pdf");
  CHECK(e.fields.text(ids::kState) == "CLOSED");
  CHECK(e.fields.number(ids::kGaps) == 0);
  CHECK(e.fields.number(ids::kStored) == 0);
  CHECK(e.fields.number(ids::kSize) == 40);
  CHECK(e.fields.number(ids::kTxId) == 3);
  CHECK(e.fields.text(ids::kMimeType) == "application/pdf");
  CHECK(e.fields.text(ids::kAppProto) == "smtp");
}

TEST_CASE("file tracker: a hole counts and hides the type that follows it") {
  FileTracker file{};
  file.open(nullptr);
  file.add_gap(10);
  file.add(bytes_of("%PDF-1.7"));
  file.close(FileState::kTruncated);
  const Event e = report(file, std::string(70000, 'n'));
  CHECK(e.fields.text(ids::kFilename).size() == 4096);
  CHECK(e.fields.number(ids::kGaps) == 1);
  CHECK(e.fields.number(ids::kSize) == 18);
  CHECK(e.fields.text(ids::kState) == "TRUNCATED");
  CHECK_FALSE(e.fields.has(ids::kMimeType));
}

TEST_CASE("file tracker: sizes do not wrap, a new file starts over") {
  FileTracker file{};
  file.open(nullptr);
  file.add_gap(~uint64_t{0} - 3);
  file.add_gap(100);
  CHECK(file.size() == ~uint64_t{0});
  file.open(nullptr);
  CHECK(file.size() == 0);
  CHECK_FALSE(file.has_gaps());
}

TEST_CASE("file tracker: says the digests of a whole file, and of no other") {
  const auto digests = std::make_unique<dpi::FileDigests>();
  FileTracker file{};
  file.open(digests.get());
  file.add(bytes_of("a"));
  file.add(bytes_of("bc"));
  file.close(FileState::kClosed);
  const Event whole = report(file, "abc");
  CHECK(whole.fields.text(ids::kMd5) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(whole.fields.text(ids::kSha1) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(whole.fields.text(ids::kSha256) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  file.open(digests.get());
  file.add_gap(1);
  file.close(FileState::kTruncated);
  CHECK_FALSE(report(file, "gap").fields.has(ids::kMd5));
  file.open(nullptr);
  file.close(FileState::kClosed);
  CHECK_FALSE(report(file, "unasked").fields.has(ids::kMd5));
}

TEST_CASE("file tracker: the file that began first loses its digests when there are too many") {
  const auto digests = std::make_unique<dpi::FileDigests>();
  FileTracker first{}, other{};
  first.open(digests.get());
  for (size_t i = 0; i < dpi::FileDigests::kMost - 1; ++i) {
    other.open(digests.get());
    other.close(FileState::kClosed);
  }
  CHECK(first.digest() != nullptr);
  CHECK(digests->lost() == 0);
  other.open(digests.get());
  first.add(bytes_of("abc"));
  CHECK(first.digest() == nullptr);
  CHECK(digests->lost() == 1);
  CHECK(other.digest() != nullptr);
}

TEST_CASE("file type: reads nothing outside the head") {
  CHECK(dpi::file_type_of(bytes_of("MZ")) == "application/vnd.microsoft.portable-executable");
  CHECK(dpi::file_type_of(bytes_of("RIFF1234WEBPVP8 ")) == "image/webp");
  CHECK(dpi::file_type_of({}).empty());
  mangle(bytes_of("RIFF1234WAVEfmt and more"), [](Bytes head) { dpi::file_type_of(head); });
}

}  // namespace
}  // namespace thymus::test
