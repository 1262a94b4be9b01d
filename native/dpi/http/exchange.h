// What a flow of HTTP/1.x keeps between calls, and the steps of one call.
//
// Buffers: 0 the head of a request as far as it came, 1 the head of the response under way, 2 the
// heads of the requests that wait for their responses. Bodies are not kept. The scratch memory is
// that of the decoder of one body.
#pragma once

#include <cstdint>

#include "dpi/file/file_tracker.h"
#include "dpi/http/body_reader.h"
#include "dpi/http/head.h"
#include "dpi/http/lookup.h"
#include "dpi/parser.h"

namespace thymus::dpi::http {

enum class Phase : uint8_t {
  kHead,
  kBody,
  kLost,  // until something looks like the start of a message
};

// One direction.
struct Stream {
  BodyReader body;
  FileTracker file;
  HeadScan scan;
  uint32_t head_bytes;  // of the response under way; 0: it has no head
  uint32_t next_seq;
  Phase phase;
  uint8_t n_codings;  // 0: the content is not decoded
  bool is_in_pieces;  // the head under way came in several, none missing
  bool after_gap;
  bool is_broken;  // the rest of the content cannot be decoded
};

struct State {
  Stream client;
  Stream server;
  uint32_t next_tx;
  uint32_t last_request;  // in buffer 2: where the newest begins
  uint32_t n_events;
  uint16_t n_open;
  bool server_is_originator;
  bool is_http;         // a whole head was seen
  bool response_waits;  // it is over, its request is not
  bool is_versionless;  // the request line just read names no version
};

class Exchange {
 public:
  Exchange(State* state, Context* context) : s_(*state), context_(*context) {}

  Answer on_data(const Segment& segment);
  void on_end();

 private:
  struct Waiting {
    uint32_t tx_id = 0;
    bool was_seen = false;
    Bytes head;
  };
  enum class Found : uint8_t { kHead, kMore, kNothing };
  static constexpr uint32_t kMaxEvents = 20'000;

  void on_client(Bytes data);
  void on_server(Bytes data);
  Found gather(int buffer, bool is_request, Stream* stream, Bytes* data, Bytes* head);
  void lose(int buffer, Stream* stream);

  void on_request(Bytes bytes);
  bool keep_request(Bytes head, bool was_seen);
  void end_request();
  Waiting waiting(size_t at) const;
  void forget_oldest();

  bool begin_response(Bytes* data);
  void on_response(Bytes bytes);
  bool takes_extra(Bytes* data);
  void end_response();
  void complete();
  bool changes_protocol(const Head& request, const Head& response);

  void begin_content(const Head& head, Stream* stream);
  Bytes take_body(Bytes data, Stream* stream);
  void on_content(Bytes content, Stream* stream);
  void end_content(FileState state, Stream* stream);
  void skip_gap(uint32_t seq, bool from_client);

  void write_transaction(const Waiting& request, const Head* response, uint64_t length);
  void write_file(const Stream& stream);
  void write_faults(const Head& head);
  void write_fault(uint16_t code);
  void write_client_fault(uint16_t code, uint32_t tx_id);
  void write_lookups(const JndiLookups& lookups);
  bool may_write();
  Side side_of(const Stream& stream) const;
  Bytes response_head() const;

  State& s_;
  Context& context_;
  Bytes response_;  // the head of the response under way while it lies in the segment
  size_t n_left_ = 0;
  bool changed_ = false;
};

}  // namespace thymus::dpi::http
