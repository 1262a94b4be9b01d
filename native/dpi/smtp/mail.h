// A mail as it passes by: headers (RFC 5322), parts (RFC 2046), their encodings (RFC 2045). Reads
// line by line and keeps one header, the boundaries that are open and the line of text under way.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dpi/context.h"
#include "dpi/file/file_tracker.h"
#include "dpi/smtp/transfer_encoding.h"

namespace thymus::dpi {

// What a mail says, by header or place. Numbers of KeptFields; kNone is no field.
enum class MailField : uint8_t {
  kNone,
  kFrom,
  kTo,
  kCc,
  kSubject,
  kDate,
  kMessageId,
  kReplyTo,
  kMailer,
  kUserAgent,
  kOriginatingIp,
  kAttachment,
  kUrl,       // without its scheme, which is http
  kOtherUrl,  // with another scheme, left out too
};

class MailListener {
 public:
  // `text` is valid during the call.
  virtual void on_field(MailField field, std::string_view text) = 0;
  virtual void on_file(const FileTracker& file, std::string_view name) = 0;
  // One of anomaly_code::k..., once in a mail.
  virtual void on_fault(uint16_t code) = 0;

 protected:
  ~MailListener() = default;
};

// A run of bytes of one line, without its end.
struct MailPiece {
  std::string_view text;
  uint8_t eol_bytes = 0;  // 0: the line goes on
};

class MailReader {
 public:
  static constexpr size_t kMaxPieceBytes = 1024;

  void open();
  bool is_open() const { return is_open_; }
  // Cuts the next piece from `all`. Returns the bytes used; 0: more is needed.
  static size_t next_piece(Bytes all, MailPiece* piece);
  // `header` is a buffer of the flow, empty at open(), for the header that is under way.
  struct Use {
    Buffers* buffers;
    int header_buffer;
    MailListener* listener;
    FileDigests* digests;
  };
  void on_piece(const MailPiece& piece, const Use& use);
  bool at_line_start() const { return !is_mid_line_; }
  // Bytes of the mail are missing.
  void on_gap();
  // The mail is over, whole or not.
  void close(bool is_whole, const Use& use);

 private:
  static constexpr int kMaxDepth = 8;
  static constexpr size_t kMaxBoundaryBytes = 70;  // RFC 2046 section 5.1.1
  static constexpr size_t kMaxFileNameBytes = 255;
  static constexpr size_t kMaxTextLineBytes = 1024;

  enum class Encoding : uint8_t { kNone, kBase64, kQuotedPrintable };
  struct Boundary {
    uint8_t size;
    std::array<char, kMaxBoundaryBytes> text;
    std::string_view view() const { return {text.data(), size}; }
  };

  void on_header_piece(const MailPiece& piece, const Use& use);
  void on_header(std::string_view header, const Use& use);
  void on_content_type(std::string_view value, const Use& use);
  void on_file_name(std::string_view name, const Use& use);
  void end_headers(const Use& use);
  void on_body_piece(const MailPiece& piece, const Use& use);
  bool on_boundary(std::string_view line, const Use& use);
  void begin_part();
  void end_part(FileState state, const Use& use);
  void decode(std::string_view text, const Use& use);
  void on_content(Bytes content, const Use& use);
  void scan_text(Bytes content, const Use& use);
  void find_urls(const Use& use);
  void fault(uint16_t code, const Use& use);

  uint32_t faults_seen_;  // bits by code, relative to the first of a mail
  uint32_t line_bytes_;   // of the line under way
  std::array<Boundary, kMaxDepth> boundaries_;
  std::array<char, kMaxFileNameBytes> name_;
  std::array<char, kMaxTextLineBytes> text_line_;
  uint16_t text_bytes_;
  uint8_t name_bytes_;
  uint8_t n_boundaries_;
  uint8_t pending_eol_bytes_;  // a line end that may belong to a boundary
  Encoding encoding_;
  bool is_open_;
  bool in_headers_;
  bool main_headers_over_;
  bool is_mid_line_;
  bool is_text_;
  bool is_message_;  // the part holds a mail of its own
  FileTracker file_;
  Base64Decoder base64_;
  QuotedPrintableDecoder quoted_;
};

}  // namespace thymus::dpi
