#include "dpi/file/file_type.h"

#include <algorithm>

namespace thymus::dpi {
namespace {

using std::string_view_literals::operator""sv;

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view type;
};

// Longer signatures stand before shorter ones that begin alike.
constexpr Signature kSignatures[] = {
    {0, "MZ"sv, "application/vnd.microsoft.portable-executable"},
    {0,
     "\x7f"
     "ELF"sv,
     "application/x-elf"},
    {0, "\xca\xfe\xba\xbe"sv, "application/java-vm"},
    {0, "\xcf\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "\xce\xfa\xed\xfe"sv, "application/x-mach-binary"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "{\\rtf"sv, "application/rtf"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "application/x-ole-storage"},
    {0, "PK\x03\x04"sv, "application/zip"},
    {0, "PK\x05\x06"sv, "application/zip"},
    {0, "Rar!\x1a\x07"sv, "application/vnd.rar"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {0, "\x1f\x8b"sv, "application/gzip"},
    {0, "BZh"sv, "application/x-bzip2"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {0, "MSCF"sv, "application/vnd.ms-cab-compressed"},
    {0, "!<arch>\n"sv, "application/x-archive"},
    {0, "\xed\xab\xee\xdb"sv, "application/x-rpm"},
    {0, "L\0\0\0\x01\x14\x02\0"sv, "application/x-ms-shortcut"},
    {0, "ITSF"sv, "application/vnd.ms-htmlhelp"},
    {0, "SQLite format 3"sv, "application/vnd.sqlite3"},
    {0, "\0asm"sv, "application/wasm"},
    {0, "dex\n"sv, "application/vnd.android.dex"},
    {0, "CWS"sv, "application/vnd.adobe.flash.movie"},
    {0, "FWS"sv, "application/vnd.adobe.flash.movie"},
    {0, "ZWS"sv, "application/vnd.adobe.flash.movie"},
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "\0\0\x01\0"sv, "image/vnd.microsoft.icon"},
    {8, "WEBP"sv, "image/webp"},
    {8, "WAVE"sv, "audio/wav"},
    {8, "AVI "sv, "video/x-msvideo"},
    {4, "ftypavif"sv, "image/avif"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "OggS"sv, "application/ogg"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "FLV\x01"sv, "video/x-flv"},
    {0, "wOFF"sv, "font/woff"},
    {0, "wOF2"sv, "font/woff2"},
    {0, "OTTO"sv, "font/otf"},
    {0, "\0\x01\0\0\0"sv, "font/ttf"},
    {0, "%!PS"sv, "application/postscript"},
    {0, "#!"sv, "text/x-shellscript"},
    {0, "<?xml"sv, "application/xml"},
    {0, "<!DOCTYPE html"sv, "text/html"},
    {0, "<!doctype html"sv, "text/html"},
    {0, "<html"sv, "text/html"},
    {0, "<HTML"sv, "text/html"},
};

}  // namespace

std::string_view file_type_of(Bytes head) {
  const std::string_view text = as_text(head.first(std::min(head.size(), kFileHeadBytes)));
  for (const Signature& s : kSignatures) {
    if (text.size() >= s.offset && text.substr(s.offset).starts_with(s.bytes)) return s.type;
  }
  return {};
}

}  // namespace thymus::dpi
