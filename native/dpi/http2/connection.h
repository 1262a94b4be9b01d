// What a flow of HTTP/2 (RFC 9113) keeps between calls, and the steps of one call.
//
//   frame: | length, 3 | type, 1 | flags, 1 | stream, 4 | payload |
//   payload of HEADERS: [pad length, 1] [priority, 5] fragment [padding]; DATA and PUSH_PROMISE
//   (with the promised stream, 4) alike
//
// Buffers: 0 and 1 what must be whole of the frame under way, or the header block, of the
// originator and of the responder; 2 the decoded fields of open streams; 3 a DNS message (RFC 8484)
// under way. The connection lies in the scratch memory, which is asked for when HTTP/2 is sure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dpi/file/file_tracker.h"
#include "dpi/http/content_decoder.h"
#include "dpi/http2/hpack.h"
#include "dpi/parser.h"
#include "dpi/text.h"

namespace thymus::dpi::http2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr size_t kMaxStreams = 64;
inline constexpr size_t kFrameHeaderBytes = 9;
inline constexpr size_t kMaxLeadBytes = kFrameHeaderBytes + 6;
inline constexpr size_t kSettingBytes = 6;
inline constexpr std::string_view kDnsType = "application/dns-message";

enum class FrameType : uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation,
};

struct Frame {
  uint32_t length;
  FrameType type;
  uint8_t flags;
  uint32_t stream_id;
};

// The header of a frame at the start of `bytes`. REQUIRES: bytes.size() >= kFrameHeaderBytes.
Frame read_frame_header(Bytes bytes);
// Whether the bytes can be no other protocol: a control frame whose header is almost all fixed.
bool surely_begins_frame(Bytes bytes);

// The frame under way of one direction.
struct Direction {
  Frame frame;
  uint32_t content_left;
  uint32_t padding_left;
  uint32_t next_seq;
  uint32_t max_frame_bytes;  // that the other side accepts
  // The header block under way: its stream, and the one for which it opens a request (a promise).
  uint32_t block_stream;
  uint32_t promised_stream;
  uint16_t n_continuations;
  uint8_t weight;
  bool has_weight;
  bool block_ends_stream;
  bool is_in_frame;
  bool is_dropped;  // nothing of the frame's content is kept
  bool is_started;  // behind the preface, or sent none
  bool is_lost;     // header blocks cannot be decoded any longer
  bool is_after_gap;
  uint8_t n_preface;
  uint8_t n_lead;
  std::array<uint8_t, kMaxLeadBytes> lead;
};

struct State {
  std::array<Direction, 2> directions;  // originator, responder
  uint32_t faults;                      // that were reported, once each
  uint32_t n_events;
  bool server_is_originator;
  bool is_sure;
  bool is_mid_stream;
};

// Decoded fields in the buffer, each {u16 name size, u16 value size, name, value}.
struct FieldList {
  uint32_t at;  // counted from the first byte that was ever kept
  uint32_t bytes;
  bool is_cut;
};

struct Stream {
  uint32_t id;  // 0: not in use
  uint32_t tx_id;
  uint32_t error_code;
  uint64_t length;  // of the response
  FieldList request;
  FieldList response;
  uint8_t weight;
  bool has_weight;
  bool has_request;
  bool has_response;
  bool was_reset;
  bool asks_dns;     // by GET
  bool answers_dns;  // with a message
  bool was_answered;
  uint8_t reset_side;
  bool is_broken;                    // the rest of the response cannot be decoded
  std::array<bool, 2> is_over;       // by direction
  std::array<FileTracker, 2> files;  // by direction
};

struct Connection {
  std::array<HeaderDecoder, 2> headers;
  std::array<Stream, kMaxStreams> streams;
  std::array<uint32_t, 2> highest_id;  // streams opened by odd numbers, by even ones
  uint32_t next_tx;
  uint32_t consumed;  // of the buffer of fields
  uint32_t n_resets;  // by the client, before there was a response
  uint32_t dns_stream;
  uint32_t decoded_stream;  // whose response the decoder undoes, one at a time
};
// In the scratch memory of the flow, with a decoder of one layer behind it.
inline constexpr size_t kDecoderAt = (sizeof(Connection) + 63) & ~size_t{63};
inline constexpr size_t kConnectionBytes = kDecoderAt + http::ContentDecoder::kBytesPerLayer;
static_assert(kConnectionBytes <= kMaxScratchBytes);
static_assert(sizeof(State) <= kMaxParserStateBytes);

// Calls `use(name, value)` with each field of a list until it returns false.
template <typename Use>
void each_field(Bytes list, Use&& use) {
  Reader r(list);
  while (!r.empty()) {
    const size_t name_bytes = r.le16();
    const size_t value_bytes = r.le16();
    const std::string_view name = as_text(r.take(name_bytes));
    const std::string_view value = as_text(r.take(value_bytes));
    if (!r.ok() || !use(name, value)) return;
  }
}

class Session {
 public:
  Session(State* state, Context* context) : s_(*state), context_(*context) {}

  Answer on_data(const Segment& segment);
  void on_end();

 private:
  enum class Fault : uint8_t {
    kFrameLength,
    kFrameData,
    kLongFrame,
    kIntegerOverflow,
    kHeader,
    kHeaderBomb,
    kBlockTooLong,
    kContinuationFlood,
    kRapidReset,
    kTooManyStreams,
    kStreamZero,
    kAuthority,
    kDecoding,
  };

  static constexpr uint32_t kMaxEvents = 20'000;
  enum Buffer : int { kOriginatorPart, kResponderPart, kFields, kDnsPart };

  bool is_client(size_t side) const { return (side == 0) != s_.server_is_originator; }
  bool open_connection();
  Bytes take_preface(Bytes data, Direction* d);
  Bytes take_frame(Bytes data, Direction* d);
  void begin_frame(Direction* d);
  void take_content(Bytes content, Direction* d);
  void end_frame(Direction* d);
  bool skip_gap(uint32_t seq, Direction* d);

  void on_control(Bytes content, const Frame& frame);
  void on_settings(Bytes content);
  void on_reset(uint32_t error_code, uint32_t stream_id);
  void finish_block(Bytes block, Direction* d);
  void lose_headers(Direction* d, Fault fault);
  bool keep_field(std::string_view name, std::string_view value, FieldList* list);
  void judge_result(HeaderDecoder::Result result, Direction* d);
  void on_list(const FieldList& list, Stream* stream, bool is_request);

  Stream* find(uint32_t id);
  Stream* open_stream(uint32_t id);
  void end_side(Stream* stream, size_t side);
  void close_stream(Stream* stream);
  void close_oldest();
  void make_room();
  void release_fields();
  Bytes fields_of(const FieldList& list) const;
  std::string_view value_of(const FieldList& list, std::string_view name) const;

  void take_dns(Bytes content, const Stream& stream);
  void end_dns(Stream* stream);
  void write_query(std::string_view path);
  void write_dns(Bytes message, bool by_server);

  void take_file(Bytes content, Stream* stream);
  void begin_file(Stream* stream);
  void lose_file_part(uint32_t missing, Stream* stream);
  void end_file(Stream* stream, size_t side, FileState state);
  std::span<uint8_t> decoder_memory() const;

  void write_stream(const Stream& stream);
  void write_file(const Stream& stream, size_t side);
  void put_common(const Stream& stream, bool is_service);
  // The values of a service's call have its subscribers' identities replaced.
  void put_fields(const FieldList& list, uint16_t field, bool is_service);
  void write_settings(Bytes content);
  void write_goaway(uint32_t error_code);
  void begin_connection_event();
  void end_connection_event();
  void report(Fault fault);
  bool may_write();

  State& s_;
  Context& context_;
  Connection* c_ = nullptr;
  size_t side_ = 0;
};

}  // namespace thymus::dpi::http2
